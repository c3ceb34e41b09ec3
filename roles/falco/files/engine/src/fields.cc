// SPDX-License-Identifier: GPL-3.0-or-later
#include "fields.h"

#include <iterator>

namespace {

// The order is that of the fields below.
enum field : uint32_t {
	ID,
	FULL_ID,
	NAME,
	IMAGE,
	REPOSITORY,
	TAG,
	DIGEST,
	TYPE,
	POD,
	POD_ID,
	POD_UID,
	SANDBOX,
	NAMESPACE,
};

constexpr size_t short_id = 12;

filtercheck_field_info text(const char *name, const char *description) {
	return {PT_CHARBUF, EPF_NONE, PF_NA, name, "", description};
}

const filtercheck_field_info fields[] = {
        text("container.id", "The first 12 digits of the container's identity; host for a process of the node."),
        text("container.full_id", "The container's identity."),
        text("container.name", "The container's name in its pod."),
        text("container.image", "The image as the pod names it."),
        text("container.image.repository", "The image without tag and digest."),
        text("container.image.tag", "The tag of the image."),
        text("container.image.digest", "The digest that the pod names the image by."),
        text("container.type", "The runtime: containerd, or host."),
        text("k8s.pod.name", "The name of the pod."),
        text("k8s.pod.id", "The UID of the pod."),
        text("k8s.pod.uid", "The UID of the pod."),
        text("k8s.pod.sandbox_id", "The first 12 digits of the sandbox's identity."),
        text("k8s.ns.name", "The namespace of the pod."),
};

const filter_check_info group = [] {
	filter_check_info info;
	info.m_name = "container";
	info.m_desc = "Containers and their pods, as containerd knows them.";
	info.m_nfields = static_cast<int32_t>(std::size(fields));
	info.m_fields = fields;
	return info;
}();

std::string value_of(uint32_t which, const container &one) {
	switch(which) {
	case ID:
		return one.id.substr(0, short_id);
	case FULL_ID:
		return one.id;
	case NAME:
		return one.name;
	case IMAGE:
		return one.image;
	case REPOSITORY:
		return split_image(one.image).repository;
	case TAG:
		return split_image(one.image).tag;
	case DIGEST:
		return split_image(one.image).digest;
	case TYPE:
		return "containerd";
	case POD:
		return one.pod;
	case POD_ID:
	case POD_UID:
		return one.pod_uid;
	case SANDBOX:
		return one.sandbox.substr(0, short_id);
	case NAMESPACE:
		return one.ns;
	default:
		return "";
	}
}

}  // namespace

container_check::container_check(std::shared_ptr<containers> known): m_containers(std::move(known)) {
	m_info = &group;
}

std::unique_ptr<sinsp_filter_check> container_check::allocate_new() {
	return std::make_unique<container_check>(m_containers);
}

uint8_t *container_check::extract_single(sinsp_evt *event, uint32_t *length, bool) {
	*length = 0;
	const container *one = m_containers->of(event->get_thread_info());
	if(one != nullptr) {
		m_value = value_of(m_field_id, *one);
	} else {
		m_value = m_field_id == ID || m_field_id == FULL_ID || m_field_id == TYPE || m_field_id == NAME ? "host" : "";
	}
	if(m_value.empty()) {
		return nullptr;
	}
	*length = static_cast<uint32_t>(m_value.size());
	return reinterpret_cast<uint8_t *>(m_value.data());
}
