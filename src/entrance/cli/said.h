// For which verb the program speaks: a problem that says nothing of what to do leads to that verb's help.
#pragma once

#include <string_view>

namespace posthorn::cli {

/// Until end_output(); `verb` is a name of the tables ("account add").
void speak_for(std::string_view verb);

}  // namespace posthorn::cli
