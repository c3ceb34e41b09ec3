// SPDX-License-Identifier: GPL-3.0-or-later
#include "alerts.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>

namespace {

constexpr uint64_t second = 1000000000;

Json::Value sorted(const Json::Value &tags) {
	std::vector<std::string> names;
	for(const auto &tag : tags) {
		names.push_back(tag.asString());
	}
	std::sort(names.begin(), names.end());
	Json::Value value(Json::arrayValue);
	for(const auto &name : names) {
		value.append(name);
	}
	return value;
}

}  // namespace

std::string iso_time(uint64_t time) {
	const time_t seconds = static_cast<time_t>(time / second);
	std::tm parts = {};
	gmtime_r(&seconds, &parts);
	char day[32];
	char whole[64];
	std::strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
	std::snprintf(whole, sizeof(whole), "%s.%09luZ", day, static_cast<unsigned long>(time % second));
	return whole;
}

uint64_t now_ns() {
	return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
	                                     std::chrono::system_clock::now().time_since_epoch())
	                                     .count());
}

alerts::alerts(const alert_options &options): m_options(options) {
	m_writer["indentation"] = "";
	if(!options.queue.empty()) {
		m_queue = std::make_unique<queue_folder>(options.queue, options.queue_limit);
	}
	for(const auto &address : options.http) {
		m_hooks.push_back(std::make_unique<web_hook>(address));
	}
}

uint64_t alerts::lost() const {
	uint64_t all = m_lost;
	for(const auto &hook : m_hooks) {
		all += hook->lost();
	}
	return all;
}

void alerts::fire(const rule &one, sinsp_evt &event) {
	if(!allowed(one.name, event.get_ts())) {
		return;
	}
	std::string text;
	std::string fields;
	one.output->tostring_withformat(&event, text, sinsp_evt_formatter::OF_NORMAL);
	one.output->tostring_withformat(&event, fields, sinsp_evt_formatter::OF_JSON);
	Json::Value alert;
	Json::Reader().parse(fields, alert["output_fields"]);
	alert["output"] = text;
	alert["rule"] = one.name;
	alert["priority"] = one.priority;
	alert["source"] = "syscall";
	alert["tags"] = sorted(one.tags);
	m_fired++;
	send(alert, event.get_ts());
}

void alerts::tell(const std::string &name,
                  const std::string &priority,
                  const std::string &text,
                  const Json::Value &fields) {
	const uint64_t now = now_ns();
	Json::Value alert;
	alert["rule"] = name;
	alert["priority"] = priority;
	alert["source"] = "internal";
	alert["output"] = name + ". " + text;
	alert["output_fields"] = fields;
	alert["tags"] = Json::arrayValue;
	send(alert, now);
}

void alerts::tell_suppressed() {
	for(auto &[name, one] : m_buckets) {
		if(one.suppressed > 0) {
			Json::Value fields;
			fields["rule"] = name;
			fields["suppressed"] = Json::Value::UInt64(one.suppressed);
			tell("Falco internal: alerts suppressed",
			     "Warning",
			     std::to_string(one.suppressed) + " alerts of the rule '" + name + "' were not sent.",
			     fields);
			one.suppressed = 0;
		}
	}
}

bool alerts::allowed(const std::string &name, uint64_t now) {
	auto &one = m_buckets.try_emplace(name, bucket{m_options.burst, now, 0}).first->second;
	if(now > one.last) {
		const double passed = static_cast<double>(now - one.last) / static_cast<double>(second);
		one.tokens = std::min(m_options.burst, one.tokens + passed * m_options.rate);
		one.last = now;
	}
	if(one.tokens < 1) {
		one.suppressed++;
		m_suppressed++;
		return false;
	}
	one.tokens -= 1;
	return true;
}

void alerts::send(Json::Value &alert, uint64_t time) {
	alert["hostname"] = m_options.hostname;
	alert["time"] = iso_time(time);
	const std::string line = Json::writeString(m_writer, alert);
	std::cout << line << std::endl;
	if(m_queue && !m_queue->put(line, time)) {
		m_lost++;
		std::cerr << "an alert did not find room in the queue " << m_options.queue << std::endl;
	}
	for(const auto &hook : m_hooks) {
		hook->put(line);
	}
}
