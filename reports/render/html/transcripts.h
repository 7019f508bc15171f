// What was asked and answered, in data blocks that the page decodes when a sample is opened.
#pragma once

#include "reports/html.h"
#include "reports/render/html/collect.h"

namespace moebius::reports::html {

/// Reads the run once more, in the order of its rows. Texts are cut to what the page's budget has
/// room for.
void write_transcripts(std::size_t run, Page& page, const HtmlSink& sink);

}  // namespace moebius::reports::html
