// SPDX-License-Identifier: GPL-3.0-or-later
#include "live.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

constexpr uint64_t second = 1000000000;
constexpr uint64_t status_every = 2 * second;
constexpr uint64_t suppressed_every = 60 * second;
constexpr uint64_t status_old = 10 * second;
// How many events may pass without a look at the clock.
constexpr uint64_t look_every = 256;

volatile std::sig_atomic_t ended = 0;

void end(int) {
	ended = 1;
}

class watcher {
public:
	watcher(const std::string &path, const live_options &options):
	        m_options(options),
	        m_rules(m_inspector, std::make_shared<containers>(options.containers)),
	        m_alerts(options.alerts) {
		m_rules.load(path);
		for(const auto &error : m_rules.errors) {
			throw sinsp_exception("rule '" + error.rule + "', " + error.part + ": " + error.message);
		}
		m_by_event.resize(PPM_EVENT_MAX);
		for(const auto &one : m_rules.rules) {
			for(const auto code : one->events) {
				m_by_event[code].push_back(one.get());
			}
		}
	}

	int run() {
		// What the library needs to know who is who, and what the rules ask for.
		auto calls = libsinsp::events::sinsp_state_sc_set();
		for(const auto &one : m_rules.rules) {
			calls = calls.merge(one->calls);
		}
		m_inspector.open_bpf(m_options.probe, DEFAULT_DRIVER_BUFFER_BYTES_DIM, calls);
		m_inspector.start_capture();
		std::cerr << "watching with " << m_rules.rules.size() << " rules" << std::endl;
		uint64_t since_look = 0;
		while(!ended) {
			sinsp_evt *event = nullptr;
			const int32_t got = m_inspector.next(&event);
			if(got == SCAP_SUCCESS) {
				judge(*event);
			} else if(got != SCAP_TIMEOUT && got != SCAP_FILTERED_EVENT) {
				std::cerr << "the capture ended: " << m_inspector.getlasterr() << std::endl;
				return 1;
			}
			if(got == SCAP_TIMEOUT || ++since_look >= look_every) {
				since_look = 0;
				look(now_ns());
			}
		}
		m_alerts.tell_suppressed();
		return 0;
	}

private:
	// As Falco does it: of the rules that match, the one that stands first is told.
	void judge(sinsp_evt &event) {
		m_seen++;
		for(const rule *one : m_by_event[event.get_type()]) {
			if(one->condition->run(&event)) {
				m_alerts.fire(*one, event);
				return;
			}
		}
	}

	void look(uint64_t now) {
		if(now >= m_next_status) {
			m_next_status = now + status_every;
			tell_drops();
			if(!m_options.status.empty()) {
				write_status(now);
			}
		}
		if(now >= m_next_suppressed) {
			m_next_suppressed = now + suppressed_every;
			m_alerts.tell_suppressed();
		}
	}

	void tell_drops() {
		scap_stats stats = {};
		m_inspector.get_capture_stats(&stats);
		const uint64_t drops = stats.n_drops - m_stats.n_drops;
		if(drops > 0) {
			const auto since = [](uint64_t now, uint64_t before) { return std::to_string(now - before); };
			Json::Value fields;
			fields["n_evts"] = since(stats.n_evts, m_stats.n_evts);
			fields["n_drops"] = std::to_string(drops);
			fields["n_drops_buffer_total"] = since(stats.n_drops_buffer, m_stats.n_drops_buffer);
			fields["n_drops_scratch_map"] = since(stats.n_drops_scratch_map, m_stats.n_drops_scratch_map);
			fields["n_drops_page_faults"] = since(stats.n_drops_pf, m_stats.n_drops_pf);
			fields["n_drops_bug"] = since(stats.n_drops_bug, m_stats.n_drops_bug);
			fields["ebpf_enabled"] = "1";
			m_alerts.tell("Falco internal: syscall event drop",
			              "Debug",
			              std::to_string(drops) + " system calls dropped in the last 2 seconds.",
			              fields);
		}
		m_stats = stats;
	}

	void write_status(uint64_t now) {
		Json::Value status;
		status["time"] = iso_time(now);
		status["time_ns"] = Json::Value::UInt64(now);
		status["rules"] = Json::Value::UInt64(m_rules.rules.size());
		status["events"] = Json::Value::UInt64(m_seen);
		status["events_since"] = Json::Value::UInt64(m_seen - m_seen_before);
		status["drops"] = Json::Value::UInt64(m_stats.n_drops);
		status["alerts"] = Json::Value::UInt64(m_alerts.fired());
		status["suppressed"] = Json::Value::UInt64(m_alerts.suppressed());
		status["lost"] = Json::Value::UInt64(m_alerts.lost());
		m_seen_before = m_seen;
		const std::string part = m_options.status + ".part";
		std::ofstream(part) << status;
		std::error_code problem;
		std::filesystem::rename(part, m_options.status, problem);
	}

	live_options m_options;
	sinsp m_inspector;
	rule_set m_rules;
	alerts m_alerts;
	std::vector<std::vector<const rule *>> m_by_event;
	scap_stats m_stats = {};
	uint64_t m_seen = 0;
	uint64_t m_seen_before = 0;
	uint64_t m_next_status = 0;
	uint64_t m_next_suppressed = 0;
};

}  // namespace

int watch(const std::string &rules, const live_options &options) {
	std::signal(SIGTERM, end);
	std::signal(SIGINT, end);
	return watcher(rules, options).run();
}

int ready(const std::string &status) {
	std::ifstream file(status);
	Json::Value value;
	std::string problem;
	if(!file || !Json::parseFromStream(Json::CharReaderBuilder(), file, &value, &problem)) {
		std::cerr << "nobody has written " << status << " yet" << std::endl;
		return 1;
	}
	const uint64_t now = now_ns();
	if(now > value["time_ns"].asUInt64() + status_old) {
		std::cerr << "nobody watches since " << value["time"].asString() << std::endl;
		return 1;
	}
	if(value["events_since"].asUInt64() == 0) {
		std::cerr << "no event was seen until " << value["time"].asString() << std::endl;
		return 1;
	}
	return 0;
}
