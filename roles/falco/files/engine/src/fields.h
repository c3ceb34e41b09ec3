// SPDX-License-Identifier: GPL-3.0-or-later
// The fields container.* and k8s.* of conditions and outputs, which the library leaves to a plugin.
#pragma once

#include "containers.h"

#include <libsinsp/sinsp.h>
#include <libsinsp/sinsp_filtercheck.h>

#include <memory>

class container_check : public sinsp_filter_check {
public:
	explicit container_check(std::shared_ptr<containers> known);

	std::unique_ptr<sinsp_filter_check> allocate_new() override;

protected:
	uint8_t *extract_single(sinsp_evt *event, uint32_t *length, bool sanitize) override;

private:
	std::shared_ptr<containers> m_containers;
	std::string m_value;
};
