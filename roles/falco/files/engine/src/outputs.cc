// SPDX-License-Identifier: GPL-3.0-or-later
#include "outputs.h"

#include <curl/curl.h>

#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

constexpr size_t most_waiting = 1000;
constexpr long most_seconds = 5;

size_t ignore(char *, size_t size, size_t count, void *) {
	return size * count;
}

}  // namespace

queue_folder::queue_folder(std::string folder, size_t limit): m_folder(std::move(folder)), m_limit(limit) {
	std::filesystem::create_directories(m_folder);
	m_files = count();
}

size_t queue_folder::count() const {
	size_t files = 0;
	for(const auto &entry : std::filesystem::directory_iterator(m_folder)) {
		files += entry.path().extension() == ".json" ? 1 : 0;
	}
	return files;
}

bool queue_folder::put(const std::string &line, uint64_t time) {
	std::error_code problem;
	if(m_files >= m_limit) {
		// Somebody may have taken some out.
		m_files = count();
		if(m_files >= m_limit) {
			return false;
		}
	}
	const std::string name = std::to_string(time) + "-" + std::to_string(m_written++);
	const std::filesystem::path part = std::filesystem::path(m_folder) / ("." + name + ".part");
	{
		std::ofstream file(part);
		file << line << "\n";
		if(!file.flush()) {
			std::filesystem::remove(part, problem);
			return false;
		}
	}
	std::filesystem::rename(part, std::filesystem::path(m_folder) / (name + ".json"), problem);
	m_files += problem ? 0 : 1;
	return !problem;
}

web_hook::web_hook(std::string address): m_address(std::move(address)) {
	curl_global_init(CURL_GLOBAL_DEFAULT);
	m_thread = std::thread([this] { work(); });
}

web_hook::~web_hook() {
	{
		const std::lock_guard<std::mutex> held(m_lock);
		m_ended = true;
	}
	m_more.notify_one();
	m_thread.join();
	curl_global_cleanup();
}

bool web_hook::put(const std::string &line) {
	{
		const std::lock_guard<std::mutex> held(m_lock);
		if(m_waiting.size() >= most_waiting) {
			m_lost++;
			return false;
		}
		m_waiting.push_back(line);
	}
	m_more.notify_one();
	return true;
}

void web_hook::work() {
	CURL *handle = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(nullptr, "Content-Type: application/json");
	curl_easy_setopt(handle, CURLOPT_URL, m_address.c_str());
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT, most_seconds);
	curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_PROXY, "");
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore);
	while(true) {
		std::string line;
		{
			std::unique_lock<std::mutex> held(m_lock);
			m_more.wait(held, [this] { return m_ended || !m_waiting.empty(); });
			if(m_waiting.empty()) {
				break;
			}
			line = std::move(m_waiting.front());
			m_waiting.pop_front();
		}
		curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(line.size()));
		curl_easy_setopt(handle, CURLOPT_POSTFIELDS, line.data());
		if(const CURLcode done = curl_easy_perform(handle); done != CURLE_OK) {
			m_lost++;
			std::cerr << "an alert did not reach the web hook: " << curl_easy_strerror(done) << std::endl;
		}
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(handle);
}
