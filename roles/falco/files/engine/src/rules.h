// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of a flat file, compiled by the library's own compiler.
#pragma once

#include "fields.h"

#include <json/json.h>
#include <libsinsp/eventformatter.h>
#include <libsinsp/events/sinsp_events.h>
#include <libsinsp/filter.h>

#include <memory>
#include <string>
#include <vector>

struct rule {
	std::string name;
	std::string priority;
	Json::Value tags;
	std::unique_ptr<sinsp_filter> condition;
	std::unique_ptr<sinsp_evt_formatter> output;
	libsinsp::events::set<ppm_event_code> events;
	libsinsp::events::set<ppm_sc_code> calls;
};

struct finding {
	std::string rule;
	std::string part;
	std::string message;
	Json::Value data() const;
};

class rule_set {
public:
	rule_set(sinsp &inspector, std::shared_ptr<containers> known);

	// Compile the rules of a file; what is wrong with single rules becomes a finding, a file that cannot be read throws.
	void load(const std::string &path);

	std::vector<std::unique_ptr<rule>> rules;
	std::vector<finding> errors;
	std::vector<finding> warnings;
	// Rules for other sources than system calls.
	std::vector<std::string> skipped;

private:
	void compile(const Json::Value &entry);

	sinsp &m_inspector;
	sinsp_filter_check_list m_checks;
	std::shared_ptr<sinsp_filter_factory> m_factory;
};
