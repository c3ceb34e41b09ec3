// SPDX-License-Identifier: GPL-3.0-or-later
// Watches the kernel through the probe until it is told to end.
#pragma once

#include "alerts.h"

#include <string>

struct live_options {
	std::string probe;
	std::string containers;
	std::string status;
	alert_options alerts;
};

int watch(const std::string &rules, const live_options &options);

// Whether somebody watches: 0 when the status is fresh, and events were seen in the time it speaks of.
int ready(const std::string &status);
