// The reader of the text form, in one file because its grammar is one recursive class.
#include "lang/ir/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "lang/ir/names.h"

namespace hearsay::ir {
namespace {

// Thrown and caught in this file only.
struct Stop {
  std::string message;
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' ||
         c == '#';
}

// One line, read from left to right.
class Cursor {
public:
  explicit Cursor(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }
  bool accept(std::string_view token) {
    skip_blanks();
    if (text_.substr(at_, token.size()) != token) return false;
    // a word ends where its letters end
    if (is_name_char(token.back()) && at_ + token.size() < text_.size() && is_name_char(text_[at_ + token.size()])) {
      return false;
    }
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) throw Stop{fmt::format("expected `{}` before `{}`", token, text_.substr(at_, 20))};
  }
  std::string_view name() {
    skip_blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    if (begin == at_) throw Stop{fmt::format("expected a name before `{}`", text_.substr(at_, 20))};
    return text_.substr(begin, at_ - begin);
  }
  bool next_is(char c) {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool next_is_number() {
    skip_blanks();
    const std::size_t sign = at_ < text_.size() && text_[at_] == '-' ? 1 : 0;
    const std::string_view rest = text_.substr(std::min(at_ + sign, text_.size()));
    return !rest.empty() && ((rest[0] >= '0' && rest[0] <= '9') || (sign == 1 && rest.starts_with("inf")));
  }
  std::string quoted() {
    expect("\"");
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return out;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        out += text_[at_] == 'n' ? '\n' : text_[at_];
      } else {
        out += text_[at_];
      }
    }
    throw Stop{"a text in quotes does not end"};
  }
  std::int64_t integer() {
    skip_blanks();
    std::int64_t value = 0;
    advance(std::from_chars(text_.data() + at_, text_.data() + text_.size(), value));
    return value;
  }
  template <class T = std::uint32_t>
  T id() {
    const std::int64_t value = integer();
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) throw Stop{"a number is too large"};
    return T{static_cast<std::uint32_t>(value)};
  }
  double real() {
    skip_blanks();
    double value = 0;
    advance(std::from_chars(text_.data() + at_, text_.data() + text_.size(), value));
    return value;
  }
  // A number as an expression writes it: with a point, an exponent, `inf` or `nan` it is real.
  Scalar number() {
    skip_blanks();
    std::size_t end = at_ + (next_is('-') ? 1 : 0);
    bool whole = true;
    while (end < text_.size() && (is_name_char(text_[end]) || text_[end] == '.' ||
                                  ((text_[end] == '-' || text_[end] == '+') && text_[end - 1] == 'e'))) {
      whole = whole && text_[end] >= '0' && text_[end] <= '9';
      ++end;
    }
    return whole ? Scalar::integer(integer()) : Scalar::real(real());
  }
  void finish() {
    if (!at_end()) throw Stop{fmt::format("`{}` is left over", text_.substr(at_, 20))};
  }

private:
  void advance(std::from_chars_result result) {
    if (result.ec != std::errc{}) throw Stop{fmt::format("expected a number before `{}`", text_.substr(at_, 20))};
    at_ = static_cast<std::size_t>(result.ptr - text_.data());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

template <class Table>
auto parse_word(Cursor& in, const Table& table, std::string_view what) {
  const std::string_view text = in.name();
  const auto* const found = std::ranges::find(table, text, [](const auto& row) { return row.second; });
  if (found == table.end()) throw Stop{fmt::format("`{}` is not {}", text, what)};
  return found->first;
}

class Reader {
public:
  tl::expected<Module, ReadError> operator()(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    // Lets may be read before the line that defines them, so declarations come first and expressions second.
    std::vector<Cursor> bodies;
    std::vector<std::size_t> body_lines;
    std::size_t number = 0;
    try {
      for (const std::string_view line : lines) {
        ++number;
        Cursor in(line);
        if (in.at_end() || in.accept("//")) continue;
        if (!declare(in)) {
          bodies.push_back(in);
          body_lines.push_back(number);
        }
      }
      for (std::size_t i = 0; i < bodies.size(); ++i) {
        number = body_lines[i];
        define(bodies[i]);
        bodies[i].finish();
      }
    } catch (const Stop& stop) {
      return tl::unexpected(ReadError{number, stop.message});
    }
    if (std::string wrong = verify(m_); !wrong.empty()) return tl::unexpected(ReadError{0, std::move(wrong)});
    return std::move(m_);
  }

private:
  enum class Kind : std::uint8_t { data, latent, let, index };
  struct Named {
    Kind kind{};
    std::uint32_t id = 0;
  };

  static constexpr ExprId kNoBody{std::numeric_limits<std::uint32_t>::max()};
  static constexpr int kMaxDepth = 500;

  // ---- declarations

  // True when the whole line was a declaration; a let's expression is left for `define`.
  bool declare(Cursor& in) {
    if (in.accept("site")) {
      site(in);
    } else if (in.accept("data")) {
      data(in);
    } else if (in.accept("latent")) {
      latent(in);
    } else if (in.accept("index")) {
      index(in);
    } else if (in.accept("let")) {
      let_header(in);
      return false;
    } else {
      return false;
    }
    in.finish();
    return true;
  }

  // A handle, and the name it stands for where they differ.
  std::string declared(Cursor& in, Kind kind, std::size_t id) {
    const std::string handle(in.name());
    if (!names_.emplace(handle, Named{kind, static_cast<std::uint32_t>(id)}).second) {
      throw Stop{fmt::format("`{}` is defined twice", handle)};
    }
    return handle;
  }
  static std::string original(Cursor& in, const std::string& handle) {
    return in.next_is('"') ? in.quoted() : handle.substr(0, handle.find('#'));
  }

  static std::vector<std::int64_t> shape(Cursor& in) {
    std::vector<std::int64_t> extents;
    if (!in.accept("[")) return extents;
    do extents.push_back(in.integer());
    while (in.accept(","));
    in.expect("]");
    return extents;
  }

  void site(Cursor& in) {
    Site s;
    if (in.id() != m_.sites.size()) throw Stop{"sites are numbered from 0"};
    s.span.file = in.id<FileId>();
    in.expect(":");
    s.span.begin = in.id();
    in.expect("..");
    s.span.end = in.id();
    s.what = in.quoted();
    m_.add_site(std::move(s));
  }

  void data(Cursor& in) {
    Data d;
    const std::string handle = declared(in, Kind::data, m_.data.size());
    d.name = original(in, handle);
    in.expect(":");
    d.type = parse_word(in, kTypeNames, "a type");
    d.shape = shape(in);
    in.expect("=");
    std::vector<double> reals;
    std::vector<std::int64_t> integers;
    while (!in.at_end()) {
      switch (d.type) {
        case ScalarType::real:
          reals.push_back(in.real());
          break;
        case ScalarType::integer:
          integers.push_back(in.integer());
          break;
        case ScalarType::boolean:
          if (in.accept("true")) {
            integers.push_back(1);
          } else {
            in.expect("false");
            integers.push_back(0);
          }
          break;
      }
    }
    if (d.type == ScalarType::real) {
      d.reals = std::make_shared<const std::vector<double>>(std::move(reals));
    } else {
      d.integers = std::make_shared<const std::vector<std::int64_t>>(std::move(integers));
    }
    m_.add_data(std::move(d));
  }

  static model::Constraint constraint(Cursor& in) {
    using model::Constraint;
    for (const Constraint c : model::kVectorConstraints)
      if (in.accept(model::name(c))) return c;
    in.expect(model::name(Constraint::interval));
    return Constraint::interval;
  }

  void latent(Cursor& in) {
    Latent l;
    const std::string handle = declared(in, Kind::latent, m_.latents.size());
    l.name = original(in, handle);
    in.expect(":");
    l.finite = in.accept("finite");
    if (l.finite) {
      l.cardinality = in.integer();
      if (in.accept("{")) {
        while (!in.accept("}")) l.labels.push_back(in.quoted());
      }
    } else {
      l.constraint = constraint(in);
      in.expect("(");
      l.low = in.real();
      in.expect(",");
      l.high = in.real();
      in.expect(")");
    }
    l.shape = shape(in);
    in.expect("site");
    l.site = in.id<SiteId>();
    l.token = in.accept("token");
    l.stream = in.accept("stream");
    m_.add_latent(std::move(l));
  }

  void index(Cursor& in) {
    const std::string handle = declared(in, Kind::index, m_.indices.size());
    in.expect("in");
    const std::int64_t low = in.integer();
    in.expect("..");
    const std::int64_t high = in.integer();
    m_.add_index(original(in, handle), low, high);
  }

  void let_header(Cursor& in) {
    Let l;
    const std::string handle = declared(in, Kind::let, m_.lets.size());
    l.name = original(in, handle);
    if (in.accept("[")) l.binders = ranges(in, "]");
    l.scan = in.accept("scan");
    l.body = kNoBody;
    in.expect(":");
    let_types_.push_back(parse_word(in, kTypeNames, "a type"));
    m_.add_let(std::move(l));
  }

  // `i in 1..3`, which must repeat what the index line says.
  IndexId range(Cursor& in) {
    const IndexId i = index_named(in.name());
    in.expect("in");
    const std::int64_t low = in.integer();
    in.expect("..");
    const std::int64_t high = in.integer();
    if (low != m_.index(i).low || high != m_.index(i).high) {
      throw Stop{fmt::format("the range of `{}` differs from its definition", m_.index(i).name)};
    }
    return i;
  }

  std::vector<IndexId> ranges(Cursor& in, std::string_view close) {
    std::vector<IndexId> list;
    do list.push_back(range(in));
    while (in.accept(","));
    in.expect(close);
    return list;
  }

  IndexId index_named(std::string_view handle) {
    const auto found = names_.find(std::string(handle));
    if (found == names_.end() || found->second.kind != Kind::index) {
      throw Stop{fmt::format("there is no index `{}`", handle)};
    }
    return IndexId{found->second.id};
  }

  // ---- definitions

  void define(Cursor& in) {
    if (in.accept("%")) {
      shared(in);
    } else if (in.accept("term")) {
      term(in);
    } else if (in.accept("quantity")) {
      quantity(in);
    } else {
      in.expect("=");
      m_.lets[next_let_++].body = expression(in);
    }
  }

  void shared(Cursor& in) {
    const std::uint32_t number = in.id();
    in.expect("=");
    const ExprId e = expression(in);
    in.expect(":");
    if (parse_word(in, kTypeNames, "a type") != m_.type(e)) throw Stop{"the expression has another type"};
    if (!shared_.emplace(number, e).second) throw Stop{fmt::format("%{} is defined twice", number)};
  }

  void term(Cursor& in) {
    Term t;
    if (in.id() != m_.terms.size()) throw Stop{"terms are numbered from 0"};
    t.kind = parse_word(in, kTermKindNames, "a kind of term");
    in.expect("site");
    t.site = in.id<SiteId>();
    in.expect("order");
    t.order = in.id();
    if (in.accept("source")) t.source = in.id<SourceId>();
    if (in.accept("plate")) {
      in.expect("(");
      t.plate = ranges(in, ")");
    }
    in.expect(":");
    t.body = expression(in);
    m_.add_term(std::move(t));
  }

  void quantity(Cursor& in) {
    Quantity q;
    q.name = in.quoted();
    if (in.accept("(")) q.binders = ranges(in, ")");
    in.expect("=");
    q.body = expression(in);
    m_.quantities.push_back(std::move(q));
  }

  // ---- expressions

  ExprId expression(Cursor& in) {
    if (++depth_ > kMaxDepth) throw Stop{"the expression is nested too deeply"};
    const ExprId e = nested(in);
    --depth_;
    return e;
  }

  ExprId nested(Cursor& in) {
    if (in.accept("%")) {
      const std::uint32_t number = in.id();
      const auto found = shared_.find(number);
      if (found == shared_.end()) throw Stop{fmt::format("%{} is not defined yet", number)};
      return found->second;
    }
    if (in.next_is_number()) return m_.constant(in.number());
    const std::string word(in.name());
    if (in.accept("(")) return call(in, word);
    if (word == "true" || word == "false") return m_.boolean(word == "true");
    if (word == "inf") return m_.real(std::numeric_limits<double>::infinity());
    if (word == "nan") return m_.real(std::numeric_limits<double>::quiet_NaN());
    return load(in, word);
  }

  std::vector<ExprId> list(Cursor& in, std::string_view close) {
    std::vector<ExprId> expressions;
    do expressions.push_back(expression(in));
    while (in.accept(","));
    in.expect(close);
    return expressions;
  }

  ExprId load(Cursor& in, const std::string& word) {
    const auto found = names_.find(word);
    if (found == names_.end()) throw Stop{fmt::format("there is nothing called `{}`", word)};
    const std::uint32_t id = found->second.id;
    if (found->second.kind == Kind::index) return m_.index_value(IndexId{id});
    std::vector<ExprId> at;
    if (in.accept("[")) at = list(in, "]");
    switch (found->second.kind) {
      case Kind::data:
        return checked({Opcode::data, m_.data[id].type, {}, id, std::move(at)});
      case Kind::latent: {
        const ScalarType type = m_.latents[id].finite ? ScalarType::integer : ScalarType::real;
        return checked({Opcode::latent, type, {}, id, std::move(at)});
      }
      default:
        return m_.intern({Opcode::let, let_types_[id], {}, id, std::move(at)});  // verified when its body is known
    }
  }

  ExprId call(Cursor& in, const std::string& word) {
    const auto* const reduction = std::ranges::find(kReductionNames, word, [](const auto& row) { return row.second; });
    if (reduction != kReductionNames.end()) {
      const IndexId bound = range(in);
      in.expect(":");
      const ExprId body = expression(in);
      in.expect(")");
      return checked({Opcode::reduce, m_.type(body), reduction->first, static_cast<std::uint32_t>(bound), {body}});
    }
    std::vector<ExprId> operands = list(in, ")");
    if (word == "select" || word == "pick") {
      if (operands.size() < 2) throw Stop{fmt::format("`{}` has too few operands", word)};
      const ScalarType type = m_.type(operands[1]);
      return checked({word == "select" ? Opcode::select : Opcode::pick, type, {}, 0, std::move(operands)});
    }
    const auto op = find_op(word);
    if (!op) throw Stop{fmt::format("there is no operation `{}`", word)};
    std::vector<ScalarType> types;
    for (const ExprId e : operands) types.push_back(m_.type(e));
    const auto type = result_type(*op, types);
    if (!type) throw Stop{fmt::format("the operands do not fit `{}`", word)};
    return m_.intern({Opcode::prim, *type, {}, static_cast<std::uint32_t>(*op), std::move(operands)});
  }

  ExprId checked(Inst inst) {
    if (const std::string wrong = check_inst(m_, inst); !wrong.empty()) throw Stop{wrong};
    return m_.intern(std::move(inst));
  }

  Module m_;
  std::unordered_map<std::string, Named> names_;
  std::vector<ScalarType> let_types_;
  std::unordered_map<std::uint32_t, ExprId> shared_;
  std::size_t next_let_ = 0;
  int depth_ = 0;
};

}  // namespace

tl::expected<Module, ReadError> read(std::string_view text) { return Reader()(text); }

}  // namespace hearsay::ir
