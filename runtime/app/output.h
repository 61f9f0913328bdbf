// Printed values, as lines for people or as JSON objects for programs.
#pragma once

#include <string>

#include "runtime/session/session.h"

namespace hearsay::app {

void print_value(const Printed& p, bool json);
void print_note(const std::string& text, bool json);

}  // namespace hearsay::app
