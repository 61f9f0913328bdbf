#include "runtime/data/json.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "lang/support/text_file.h"
#include "runtime/data/array_builder.h"
#include "runtime/data/number_text.h"

namespace hearsay::data {
namespace {

/// Far deeper than any data, and shallow enough that values may be handled by recursion.
constexpr std::size_t max_depth = 64;

/// Takes the events of nlohmann's reader (which uses no recursion) and builds the value; stops at the first error.
class Reader : public nlohmann::json_sax<nlohmann::json> {
public:
  Reader(std::string_view file, std::string_view text, SourceSpan from) : file_(file), text_(text), from_(from) {}

  bool null() override { return unsupported("null"); }
  bool boolean(bool x) override { return scalar(x); }
  bool number_integer(number_integer_t x) override { return scalar(static_cast<std::int64_t>(x)); }
  bool number_unsigned(number_unsigned_t x) override {
    if (x > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
      return too_large(fmt::format("{}", x), "an int of 64 bits");
    return scalar(static_cast<std::int64_t>(x));
  }
  bool number_float(number_float_t x, const string_t& written) override {
    // Digits alone come here only when they exceed 64 bits.
    if (written.find_first_of(".eE") == string_t::npos) return too_large(written, "an int of 64 bits");
    return scalar(x);
  }
  bool string(string_t& x) override {
    if (!array_)
      if (const auto number = special_number(x)) return scalar(*number);
    return scalar(std::move(x));
  }
  bool binary(binary_t&) override { return unsupported("binary"); }

  bool start_array(std::size_t) override {
    if (!array_) array_.emplace(file_, path(), from_);
    if (!deeper()) return false;
    return proceed(array_->open());
  }
  bool end_array() override {
    --depth_;
    if (!proceed(array_->close())) return false;
    if (!array_->complete()) return true;
    DataValue value = array_->take();
    array_.reset();
    return store(std::move(value));
  }

  bool start_object(std::size_t) override {
    if (array_) return unsupported("an object inside an array");
    if (!deeper()) return false;
    records_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    Record& record = records_.back();
    record.key = name;
    if (!record.names.insert(name).second)
      return proceed(diagnose<DiagnosticKind::json_duplicate_field>(from_, file_, path()));
    return true;
  }
  bool end_object() override {
    --depth_;
    DataRecord finished = std::move(records_.back().value);
    records_.pop_back();
    return store({std::move(finished)});
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& e) override {
    const auto [line, column] = locate_in(text_, position == 0 ? 0 : position - 1);
    std::string_view why = e.what();
    // The library's text begins with its own name, number and position; the rest says what is wrong.
    for (const std::string_view prefix : {"] ", ": "})
      if (const auto at = why.find(prefix); at != std::string_view::npos) why.remove_prefix(at + prefix.size());
    if (dynamic_cast<const nlohmann::json::out_of_range*>(&e) != nullptr) {
      too_large(std::string(number_before(position)), "a real");
      return false;
    }
    return proceed(diagnose<DiagnosticKind::json_syntax>(from_, file_, line, column, why));
  }

  Result<DataValue> take() {
    if (error_) return fail(std::move(*error_));
    return std::move(*result_);
  }

private:
  struct Record {
    DataRecord value;
    std::string key;
    std::unordered_set<std::string> names;
  };

  /// What errors call the value that is being read: `a.b[3]`, or the whole of the file.
  [[nodiscard]] std::string path() const {
    if (array_) return array_->place();
    std::string text;
    for (const Record& record : records_) text += (text.empty() ? "" : ".") + record.key;
    return text.empty() ? "(the whole)" : text;
  }
  bool proceed(std::optional<Diagnostic> refusal) {
    if (refusal) error_ = std::move(refusal);
    return !error_;
  }
  bool deeper() {
    if (++depth_ <= max_depth) return true;
    // The first bracket that is too deep: found again in the text, which costs nothing unless there is an error.
    std::size_t depth = 0;
    std::size_t at = 0;
    bool quoted = false;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (quoted && c == '\\') ++at;
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if ((c == '[' || c == '{') && ++depth > max_depth) break;
      if (c == ']' || c == '}') --depth;
    }
    const auto [line, column] = locate_in(text_, at);
    return proceed(diagnose<DiagnosticKind::json_too_deep>(from_, file_, line, column, max_depth));
  }
  bool unsupported(const char* what) {
    return proceed(diagnose<DiagnosticKind::json_unsupported_value>(from_, file_, path(), what)
                       .with_help("data are numbers, texts, true and false, rectangular arrays of one of these, and "
                                  "objects; write a table as one array a column"));
  }
  bool too_large(const std::string& written, const char* what) {
    return proceed(diagnose<DiagnosticKind::json_number_too_large>(from_, file_, path(), written, what));
  }
  [[nodiscard]] std::string_view number_before(std::size_t position) const {
    constexpr std::string_view digits = "0123456789+-.eE";
    std::size_t end = std::min(position, text_.size());
    while (end > 0 && digits.find(text_[end - 1]) == std::string_view::npos) --end;
    std::size_t begin = end;
    while (begin > 0 && digits.find(text_[begin - 1]) != std::string_view::npos) --begin;
    return text_.substr(begin, std::min<std::size_t>(end - begin, 40));
  }
  template <class T>
  bool scalar(T x) {
    if (array_) return proceed(array_->add(std::move(x)));
    return store({std::move(x)});
  }
  bool store(DataValue value) {
    if (records_.empty()) {
      result_ = std::move(value);
    } else {
      Record& record = records_.back();
      record.value.fields.push_back({record.key, std::move(value)});
    }
    return true;
  }

  std::string file_;
  std::string_view text_;
  SourceSpan from_;
  std::size_t depth_ = 0;
  std::vector<Record> records_;
  std::optional<ArrayBuilder> array_;
  std::optional<DataValue> result_;
  std::optional<Diagnostic> error_;
};

class Writer {
public:
  std::string text;

  void operator()(std::int64_t x) { append_number(text, x); }
  void operator()(double x) {
    if (std::isfinite(x)) {
      append_number(text, x);
    } else {
      text += fmt::format("\"{}\"", special_text(x));
    }
  }
  void operator()(bool x) { text += x ? "true" : "false"; }
  void operator()(const std::string& x) {
    text += nlohmann::json(x).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  template <class T>
  void operator()(const DataArray<T>& a) {
    if (a.shape.empty()) {  // an array without dimensions is one value
      (*this)(static_cast<T>(a.values.front()));
      return;
    }
    // Brackets open and close at the positions that are multiples of the inner sizes; lists of size 0 need the
    // recursion.
    std::size_t position = 0;
    write_level(a, 0, position);
  }
  void operator()(const DataRecord& record) {
    text += '{';
    ++indent_;
    for (std::size_t i = 0; i < record.fields.size(); ++i) {
      text += i == 0 ? "\n" : ",\n";
      text.append(2 * indent_, ' ');
      (*this)(record.fields[i].name);
      text += ": ";
      std::visit(*this, record.fields[i].value.value);
    }
    --indent_;
    if (!record.fields.empty()) {
      text += '\n';
      text.append(2 * indent_, ' ');
    }
    text += '}';
  }

private:
  template <class T>
  void write_level(const DataArray<T>& a, std::size_t level, std::size_t& position) {
    text += '[';
    for (std::size_t i = 0; i < a.shape[level]; ++i) {
      if (i > 0) text += ", ";
      if (level + 1 == a.shape.size()) {
        (*this)(static_cast<T>(a.values[position++]));
      } else {
        write_level(a, level + 1, position);
      }
    }
    text += ']';
  }

  std::size_t indent_ = 0;
};

}  // namespace

Result<DataValue> parse_json(std::string_view name, std::string_view text, SourceSpan from) {
  // Checked first: the library takes a NUL byte for the end of the text.
  if (auto checked = check_text(name, text, from); !checked) return fail(std::move(checked.error()));
  Reader reader(name, text, from);
  try {
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  } catch (const std::exception& e) {  // memory: the reader itself reports everything else as an event
    return fail(diagnose<DiagnosticKind::file_not_readable>(from, name, e.what()));
  }
  return reader.take();
}

Result<DataValue> read_json(const std::string& path, SourceSpan from) {
  return read_text_file(path, from).and_then([&](const std::string& text) { return parse_json(path, text, from); });
}

std::string to_json(const DataValue& value) {
  Writer writer;
  std::visit(writer, value.value);
  writer.text += '\n';
  return std::move(writer.text);
}

Result<void> write_json(const std::string& path, const DataValue& value, SourceSpan from) {
  return write_text_file(path, to_json(value), from);
}

}  // namespace hearsay::data
