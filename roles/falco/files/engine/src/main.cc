// SPDX-License-Identifier: GPL-3.0-or-later
// Runs flat Falco rules on the libraries of Falco, for machines that cannot fetch Falco itself.
#include "live.h"

#include <getopt.h>
#include <unistd.h>

#include <exception>
#include <iostream>

namespace {

constexpr const char *usage = R"(usage:
  engine check RULES            compile every rule; what is wrong is told as JSON, and the exit code is 1
  engine run [options] RULES    watch the kernel
  engine ready STATUS           exit with 0 when somebody watches and sees events
options of run:
  --probe=FILE          the compiled probe
  --containers=FOLDER   the bundles of containerd's tasks
  --status=FILE         where to write what was counted
  --hostname=NAME       the name of the node in alerts
  --queue=FOLDER        write each alert into a file of its own
  --queue-limit=COUNT   how many files may wait there
  --http=ADDRESS        post each alert; may stand more than once
  --rate=COUNT          alerts per second and rule
  --burst=COUNT         alerts of a rule that may come at once
)";

Json::Value list(const std::vector<finding> &findings) {
	Json::Value value(Json::arrayValue);
	for(const auto &one : findings) {
		value.append(one.data());
	}
	return value;
}

int check(const std::string &path) {
	sinsp inspector;
	rule_set rules(inspector, std::make_shared<containers>(""));
	Json::Value report;
	int code = 0;
	try {
		rules.load(path);
	} catch(const std::exception &problem) {
		rules.errors.push_back({"", "file", problem.what()});
	}
	report["rules"] = Json::Value::UInt64(rules.rules.size());
	report["errors"] = list(rules.errors);
	report["warnings"] = list(rules.warnings);
	report["skipped"] = Json::arrayValue;
	for(const auto &name : rules.skipped) {
		report["skipped"].append(name);
	}
	code = rules.errors.empty() ? 0 : 1;
	Json::StreamWriterBuilder writer;
	writer["indentation"] = "";
	std::cout << Json::writeString(writer, report) << std::endl;
	return code;
}

int run(int count, char **words) {
	live_options options;
	char name[256] = "";
	gethostname(name, sizeof(name) - 1);
	options.alerts.hostname = name;
	const option known[] = {
	        {"probe", required_argument, nullptr, 'p'},
	        {"containers", required_argument, nullptr, 'c'},
	        {"status", required_argument, nullptr, 's'},
	        {"hostname", required_argument, nullptr, 'n'},
	        {"queue", required_argument, nullptr, 'q'},
	        {"queue-limit", required_argument, nullptr, 'l'},
	        {"http", required_argument, nullptr, 'h'},
	        {"rate", required_argument, nullptr, 'r'},
	        {"burst", required_argument, nullptr, 'b'},
	        {nullptr, 0, nullptr, 0},
	};
	for(int got = 0; (got = getopt_long(count, words, "", known, nullptr)) != -1;) {
		switch(got) {
		case 'p':
			options.probe = optarg;
			break;
		case 'c':
			options.containers = optarg;
			break;
		case 's':
			options.status = optarg;
			break;
		case 'n':
			options.alerts.hostname = optarg;
			break;
		case 'q':
			options.alerts.queue = optarg;
			break;
		case 'l':
			options.alerts.queue_limit = std::stoul(optarg);
			break;
		case 'h':
			options.alerts.http.emplace_back(optarg);
			break;
		case 'r':
			options.alerts.rate = std::stod(optarg);
			break;
		case 'b':
			options.alerts.burst = std::stod(optarg);
			break;
		default:
			std::cerr << usage;
			return 2;
		}
	}
	if(optind + 1 != count || options.probe.empty()) {
		std::cerr << usage;
		return 2;
	}
	return watch(words[optind], options);
}

}  // namespace

int main(int count, char **words) {
	const std::string mode = count > 1 ? words[1] : "";
	try {
		if(mode == "check" && count == 3) {
			return check(words[2]);
		}
		if(mode == "ready" && count == 3) {
			return ready(words[2]);
		}
		if(mode == "run") {
			return run(count - 1, words + 1);
		}
	} catch(const std::exception &problem) {
		std::cerr << problem.what() << std::endl;
		return 1;
	}
	std::cerr << usage;
	return 2;
}
