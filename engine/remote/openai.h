// What OpenAI's protocol and its relatives share.
#pragma once

#include "engine/remote/dialect.h"
#include "engine/remote/json_fields.h"

namespace moebius::engine::remote {

std::vector<std::string> bearer_headers(const std::string& key);
std::string openai_path(const Request& request);

/// The request as every relative understands it.
Json openai_body(const Request& request, std::size_t leg, const Asking& asking);

/// Throws Error naming what `dialect` has no field for: min_p, top_k, stop ids, ...
void refuse_extensions(const Request& request, const char* dialect);

void openai_read(std::string_view json, Answer& answer);
void openai_event(const SseEvent& event, Answer& answer);

}  // namespace moebius::engine::remote
