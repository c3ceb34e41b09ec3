// SPDX-License-Identifier: GPL-3.0-or-later
#include "rules.h"

#include <libsinsp/filter/parser.h>
#include <libsinsp/filter/ppm_codes.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <stdexcept>

namespace {

// Where Falco itself starts to warn: such a rule is asked for nearly every event.
constexpr size_t many_events = 100;

const std::vector<std::string> priorities = {
        "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"};

std::string lower(std::string text) {
	std::transform(text.begin(), text.end(), text.begin(), [](unsigned char one) { return std::tolower(one); });
	return text;
}

// The name as alerts write it, or nothing.
std::string priority_of(const std::string &given) {
	const std::string wanted = lower(given) == "info" ? "informational" : lower(given);
	for(const auto &name : priorities) {
		if(lower(name) == wanted) {
			return name;
		}
	}
	return "";
}

}  // namespace

Json::Value finding::data() const {
	Json::Value value;
	value["rule"] = rule;
	value["part"] = part;
	value["message"] = message;
	return value;
}

rule_set::rule_set(sinsp &inspector, std::shared_ptr<containers> known): m_inspector(inspector) {
	m_checks.add_filter_check(std::make_unique<container_check>(std::move(known)));
	m_factory = std::make_shared<sinsp_filter_factory>(&inspector, m_checks);
}

void rule_set::load(const std::string &path) {
	std::ifstream file(path);
	if(!file) {
		throw std::runtime_error("cannot open the rules in " + path);
	}
	Json::Value document;
	std::string problem;
	if(!Json::parseFromStream(Json::CharReaderBuilder(), file, &document, &problem)) {
		throw std::runtime_error("the rules in " + path + " are no JSON: " + problem);
	}
	if(!document.isObject() || !document["rules"].isArray()) {
		throw std::runtime_error("the rules in " + path + " are no object with a list 'rules'");
	}
	for(const auto &entry : document["rules"]) {
		if(entry.get("source", "syscall").asString() != "syscall") {
			skipped.push_back(entry.get("rule", "").asString());
		} else {
			compile(entry);
		}
	}
}

void rule_set::compile(const Json::Value &entry) {
	auto one = std::make_unique<rule>();
	one->name = entry.get("rule", "").asString();
	one->tags = entry.get("tags", Json::arrayValue);
	one->priority = priority_of(entry.get("priority", "").asString());
	const size_t before = errors.size();
	if(one->priority.empty()) {
		errors.push_back({one->name, "priority", "unknown priority '" + entry.get("priority", "").asString() + "'"});
	}
	try {
		libsinsp::filter::parser parser(entry.get("condition", "").asString());
		const auto tree = parser.parse();
		sinsp_filter_compiler compiler(m_factory, tree.get());
		one->condition = compiler.compile();
		for(const auto &warning : compiler.get_warnings()) {
			warnings.push_back({one->name, "condition", warning.msg});
		}
		one->events = libsinsp::filter::ast::ppm_event_codes(tree.get());
		one->calls = libsinsp::filter::ast::ppm_sc_codes(tree.get());
		if(one->events.size() > many_events) {
			warnings.push_back({one->name, "condition", "it matches too many event types, which costs time"});
		}
	} catch(const std::exception &problem) {
		errors.push_back({one->name, "condition", problem.what()});
	}
	try {
		const std::string text = entry.get("output", "").asString();
		if(text.empty()) {
			throw std::runtime_error("it is empty");
		}
		one->output = std::make_unique<sinsp_evt_formatter>(
		        &m_inspector, "*%evt.time: " + one->priority + " " + text, m_checks);
	} catch(const std::exception &problem) {
		errors.push_back({one->name, "output", problem.what()});
	}
	if(errors.size() == before) {
		rules.push_back(std::move(one));
	}
}
