// SPDX-License-Identifier: GPL-3.0-or-later
// Whose process it is: from the cgroup to the container, from the container to what containerd wrote about it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

class sinsp_threadinfo;

struct container {
	std::string id;
	std::string name;
	std::string image;
	std::string sandbox;
	std::string pod;
	std::string pod_uid;
	std::string ns;
};

// The identity of the container in a cgroup's path: the last 64 hexadecimal digits; empty when there is none.
std::string container_id(std::string_view cgroup);

// The parts of an image's name.
struct image_name {
	std::string repository;
	std::string tag;
	std::string digest;
};
image_name split_image(const std::string &image);

class containers {
public:
	// The folder where containerd keeps a bundle (config.json) for each running container.
	explicit containers(std::string folder): m_folder(std::move(folder)) {}

	// The container of a thread, or nothing for a process of the node itself. What is not known about a container stays empty.
	const container *of(sinsp_threadinfo *thread);

private:
	struct known {
		container what;
		bool whole = false;
		std::chrono::steady_clock::time_point asked;
	};
	bool read(container &one) const;

	std::string m_folder;
	std::unordered_map<std::string, known> m_known;
};
