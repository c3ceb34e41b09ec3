// SPDX-License-Identifier: GPL-3.0-or-later
// Makes alerts as Falco writes them, and keeps a rule that fires all the time from drowning the others.
#pragma once

#include "outputs.h"
#include "rules.h"

#include <map>
#include <memory>
#include <string>

struct alert_options {
	std::string hostname;
	std::string queue;
	size_t queue_limit = 1000;
	std::vector<std::string> http;
	// Alerts per second and rule, and how many may come at once.
	double rate = 1;
	double burst = 50;
};

class alerts {
public:
	explicit alerts(const alert_options &options);

	// A rule has matched.
	void fire(const rule &one, sinsp_evt &event);
	// The engine has something to say about itself.
	void tell(const std::string &name, const std::string &priority, const std::string &text, const Json::Value &fields);
	// Say what was kept back since the last time.
	void tell_suppressed();

	uint64_t fired() const { return m_fired; }
	uint64_t suppressed() const { return m_suppressed; }
	uint64_t lost() const;

private:
	struct bucket {
		double tokens;
		uint64_t last;
		uint64_t suppressed;
	};
	bool allowed(const std::string &name, uint64_t now);
	void send(Json::Value &alert, uint64_t time);

	alert_options m_options;
	std::unique_ptr<queue_folder> m_queue;
	std::vector<std::unique_ptr<web_hook>> m_hooks;
	std::map<std::string, bucket> m_buckets;
	Json::StreamWriterBuilder m_writer;
	uint64_t m_fired = 0;
	uint64_t m_suppressed = 0;
	uint64_t m_lost = 0;
};

// Nanoseconds since 1970 as alerts write them.
std::string iso_time(uint64_t time);
uint64_t now_ns();
