#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace contentvec::cli {

// What files and their names say reaches a terminal: in each of these lines a control character is written as "\u001b",
// but for ends of lines and tabs, which a line may have.

/// Writes a line to standard output at once. False when it cannot be written (closed, a broken pipe, a full
/// disk): the caller decides whether its work is still worth doing.
bool print_line(std::string_view line);
/// The same for what a command ends with. Throws Error when it cannot be written; `done`: what is all the same.
void print_or_throw(std::string_view line, std::string_view done = {});

/// How much is said on standard error: only what went wrong; what a person wants to know; details, too.
enum class Verbosity { kQuiet, kNormal, kVerbose };
void set_verbosity(Verbosity verbosity);
Verbosity verbosity();

/// Writes a line to standard error at once; there is nobody to tell when that fails. Nothing where quiet.
void note_line(std::string_view line);
/// The same for what only --verbose asks for.
void detail_line(std::string_view line);
/// "contentvec: warning: ..." and "contentvec: ...", also where quiet; in colour where people see it.
void warning_line(std::string_view text);
void warning_lines(std::span<const std::string> texts);
void error_line(std::string_view text);

/// Whether standard error is a terminal on which lines can be written over.
bool on_terminal();

/// Writes a line over the one before, as far as the terminal is wide: a line that wraps cannot be written over. ""
/// takes it away.
void show_line(std::string_view line);

/// What `path` is called in a message: "-" is "standard input", and any other name is shown().
std::string name_of(std::string_view path);

/// A name or a text out of a file on one line: its ends of lines and tabs are written so, too.
std::string shown(std::string_view text);

/// An object as one line of JSON. Text need not be UTF-8: bytes that are not become U+FFFD.
std::string json_line(const nlohmann::ordered_json& object);

/// A text whose bytes that are no UTF-8 have become U+FFFD.
std::string utf8_text(const std::string& text);

/// Sets `key` to a path. Where that is no UTF-8, which JSON's text has to be, `key`_bytes has all of it, as
/// in a URL: "%FF.wav".
void set_path(nlohmann::ordered_json& object, const std::string& key, const std::string& path);
/// The same where all text has to be UTF-8 already: U+FFFD stands for the bytes that are not.
void set_path(std::map<std::string, std::string>& texts, const std::string& key, const std::string& path);

/// "94,371,712"
std::string grouped(int64_t value);

}  // namespace contentvec::cli
