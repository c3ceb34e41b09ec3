// SPDX-License-Identifier: GPL-3.0-or-later
// Where alerts go: standard output, a folder with one file per alert, a web hook.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

// A folder that is read and emptied by others. Files appear whole; when it is full, what comes next is not kept.
class queue_folder {
public:
	queue_folder(std::string folder, size_t limit);
	bool put(const std::string &line, uint64_t time);

private:
	size_t count() const;

	std::string m_folder;
	size_t m_limit;
	size_t m_files;
	uint64_t m_written = 0;
};

// Sends from a thread of its own: who watches never waits for who listens.
class web_hook {
public:
	explicit web_hook(std::string address);
	~web_hook();
	bool put(const std::string &line);
	uint64_t lost() const { return m_lost; }

private:
	void work();

	std::string m_address;
	std::deque<std::string> m_waiting;
	std::mutex m_lock;
	std::condition_variable m_more;
	bool m_ended = false;
	std::atomic<uint64_t> m_lost = 0;
	std::thread m_thread;
};
