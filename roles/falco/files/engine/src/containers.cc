// SPDX-License-Identifier: GPL-3.0-or-later
#include "containers.h"

#include <json/json.h>
#include <libsinsp/sinsp.h>

#include <fstream>

namespace {

constexpr size_t id_length = 64;
// A node runs some hundred containers; what is forgotten is read again.
constexpr size_t remembered = 4096;
constexpr auto ask_again = std::chrono::seconds(2);

bool hexadecimal(char one) {
	return (one >= '0' && one <= '9') || (one >= 'a' && one <= 'f');
}

}  // namespace

std::string container_id(std::string_view cgroup) {
	size_t length = 0;
	for(size_t at = cgroup.size(); at > 0; at--) {
		length = hexadecimal(cgroup[at - 1]) ? length + 1 : 0;
		if(length == id_length) {
			return std::string(cgroup.substr(at - 1, id_length));
		}
	}
	return "";
}

image_name split_image(const std::string &image) {
	image_name parts;
	std::string rest = image;
	if(const size_t at = rest.find('@'); at != std::string::npos) {
		parts.digest = rest.substr(at + 1);
		rest.resize(at);
	}
	const size_t slash = rest.rfind('/');
	const size_t colon = rest.rfind(':');
	if(colon != std::string::npos && (slash == std::string::npos || colon > slash)) {
		parts.tag = rest.substr(colon + 1);
		rest.resize(colon);
	}
	parts.repository = rest;
	return parts;
}

const container *containers::of(sinsp_threadinfo *thread) {
	if(thread == nullptr) {
		return nullptr;
	}
	std::string id;
	for(const auto &[subsystem, path] : thread->cgroups()) {
		if(!(id = container_id(path)).empty()) {
			break;
		}
	}
	if(id.empty()) {
		return nullptr;
	}
	const auto now = std::chrono::steady_clock::now();
	auto found = m_known.find(id);
	if(found == m_known.end()) {
		if(m_known.size() >= remembered) {
			m_known.clear();
		}
		found = m_known.emplace(id, known{}).first;
		found->second.what.id = id;
	} else if(found->second.whole || now - found->second.asked < ask_again) {
		return &found->second.what;
	}
	found->second.asked = now;
	found->second.whole = read(found->second.what);
	return &found->second.what;
}

bool containers::read(container &one) const {
	std::ifstream file(m_folder + "/" + one.id + "/config.json");
	Json::Value bundle;
	std::string errors;
	if(!file || !Json::parseFromStream(Json::CharReaderBuilder(), file, &bundle, &errors) || !bundle.isObject()) {
		return false;
	}
	const Json::Value &notes = bundle["annotations"];
	const auto note = [&notes](const char *name) {
		const Json::Value &value = notes[std::string("io.kubernetes.cri.") + name];
		return value.isString() ? value.asString() : std::string();
	};
	one.name = note("container-name");
	one.image = note("image-name");
	one.sandbox = note("sandbox-id");
	one.pod = note("sandbox-name");
	one.pod_uid = note("sandbox-uid");
	one.ns = note("sandbox-namespace");
	return true;
}
