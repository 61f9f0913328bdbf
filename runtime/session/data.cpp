#include "runtime/session/data.h"

#include <fmt/format.h>

#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "lang/sema/lowerer.h"
#include "runtime/data/bif.h"
#include "runtime/data/csv.h"
#include "runtime/data/json.h"
#include "runtime/session/session.h"

namespace hearsay {

using K = DiagnosticKind;

Result<std::string> read_text(const std::string& path, SourceSpan from) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return fail(diagnose<K::cannot_open>(from, path, "it is a folder"));
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(diagnose<K::cannot_open>(from, path, std::strerror(errno)));
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return fail(diagnose<K::cannot_open>(from, path, "reading failed"));
  return std::move(text).str();
}

namespace {

std::vector<std::int64_t> shape_of(const std::vector<std::size_t>& shape) { return {shape.begin(), shape.end()}; }

Value of_array(ArrayValue a) {
  Value v;
  v.data = std::move(a);
  return v;
}

/// Text columns become labels: the distinct texts in order of appearance.
ArrayValue labelled(const std::vector<std::string>& texts, std::vector<std::int64_t> shape) {
  auto alphabet = std::make_shared<Alphabet>();
  std::map<std::string, std::int64_t> codes;
  std::vector<std::int64_t> values;
  for (const std::string& t : texts) {
    const auto [at, added] = codes.try_emplace(t, static_cast<std::int64_t>(codes.size()) + 1);
    if (added) alphabet->labels.push_back(t);
    values.push_back(at->second);
  }
  alphabet->name = "this column";
  ArrayValue a = ArrayValue::of(ScalarType::integer, std::move(values), std::move(shape));
  a.labels = alphabet;
  return a;
}

std::string mended(const std::string& name) {
  std::string r;
  for (const char c : name) r += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ? c : '_';
  if (r.empty() || std::isdigit(static_cast<unsigned char>(r[0])) != 0) r.insert(r.begin(), '_');
  return r;
}

ast::ExprPtr make_expr(SourceSpan span, decltype(ast::Expr::node) node) {
  auto e = std::make_unique<ast::Expr>();
  e->span = span;
  e->node = std::move(node);
  return e;
}

}  // namespace

Value to_value(const data::DataValue& v) {
  Value r;
  if (const auto* i = v.get_if<std::int64_t>()) return of_array(ArrayValue::scalar(Scalar::integer(*i)));
  if (const auto* d = v.get_if<double>()) return of_array(ArrayValue::scalar(Scalar::real(*d)));
  if (const auto* b = v.get_if<bool>()) return of_array(ArrayValue::scalar(Scalar::boolean(*b)));
  if (const auto* s = v.get_if<std::string>()) {
    r.data = *s;
    return r;
  }
  if (const auto* a = v.get_if<data::DataArray<std::int64_t>>())
    return of_array(ArrayValue::of(ScalarType::integer, a->values, shape_of(a->shape)));
  if (const auto* a = v.get_if<data::DataArray<double>>())
    return of_array(ArrayValue::of(a->values, shape_of(a->shape)));
  if (const auto* a = v.get_if<data::DataArray<bool>>())
    return of_array(ArrayValue::of(ScalarType::boolean, {a->values.begin(), a->values.end()}, shape_of(a->shape)));
  if (const auto* a = v.get_if<data::DataArray<std::string>>())
    return of_array(labelled(a->values, shape_of(a->shape)));
  auto record = std::make_shared<Record>();
  for (const data::DataField& f : v.get_if<data::DataRecord>()->fields) record->emplace_back(f.name, to_value(f.value));
  r.data = std::shared_ptr<const Record>(std::move(record));
  return r;
}

std::string to_text(const Record& record) {
  std::string out = "{";
  for (const auto& [name, value] : record) {
    if (out.size() > 1) out += ", ";
    out += name + ": ";
    if (const ArrayValue* a = value.array())
      out += a->size() > 8 ? fmt::format("array of {}", a->size()) : to_text(*a);
    else if (const std::string* s = value.string())
      out += fmt::format("\"{}\"", *s);
    else if (const Record* inner = value.record())
      out += to_text(*inner);
  }
  return out + "}";
}

ModelSource to_model(const data::BayesNet& net, SourceSpan from) {
  ModelSource m;
  auto decl = std::make_shared<ast::ModelDecl>();
  decl->name = {mended(net.name.empty() ? "network" : net.name), from};
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const auto& v : net.variables) {
    std::string name = mended(v.name);
    while (!taken.insert(name).second) name += "_";
    names.push_back(std::move(name));
  }
  // Parents before children.
  std::vector<std::size_t> order;
  std::vector<int> state(net.variables.size(), 0);
  std::vector<std::pair<std::size_t, std::size_t>> stack;
  for (std::size_t v = 0; v < net.variables.size(); ++v) {
    if (state[v] == 0) stack.emplace_back(v, 0);
    while (!stack.empty()) {
      auto& [at, next] = stack.back();
      state[at] = 1;
      const auto& parents = net.tables[at].parents;
      while (next < parents.size() && state[parents[next]] != 0) ++next;
      if (next < parents.size()) {
        const std::size_t parent = parents[next];
        stack.emplace_back(parent, 0);
        continue;
      }
      state[at] = 2;
      order.push_back(at);
      stack.pop_back();
    }
  }
  for (const std::size_t v : order) {
    auto keys = std::make_shared<Alphabet>();
    keys->name = names[v];
    for (const std::string& s : net.variables[v].states) {
      std::string label = mended(s);
      while (keys->find(label) != 0) label += "_";
      keys->labels.push_back(std::move(label));
    }
    std::vector<std::int64_t> shape;
    ast::Index row;
    for (const std::size_t p : net.tables[v].parents) {
      shape.push_back(static_cast<std::int64_t>(net.variables[p].states.size()));
      row.arguments.push_back(make_expr(from, ast::NameRef{names[p]}));
    }
    shape.push_back(static_cast<std::int64_t>(keys->labels.size()));
    ArrayValue table = ArrayValue::of(net.tables[v].table, std::move(shape));
    table.keys = keys;
    const std::string table_name = "cpt of " + names[v];  // no script can use this name
    m.data[table_name].data = std::move(table);
    ast::SampleStmt sample;
    sample.name = {names[v], from};
    ast::Call categorical;
    categorical.callee = {"categorical", from};
    ast::ExprPtr p = make_expr(from, ast::NameRef{table_name});
    if (!row.arguments.empty()) {
      row.base = std::move(p);
      p = make_expr(from, std::move(row));
    }
    ast::Argument argument;
    argument.value = std::move(p);
    categorical.arguments.push_back(std::move(argument));
    sample.dist.distribution = make_expr(from, std::move(categorical));
    auto stmt = std::make_unique<ast::Stmt>();
    stmt->span = from;
    stmt->node = std::move(sample);
    decl->body.push_back(std::move(stmt));
  }
  m.decl = std::move(decl);
  m.simplex_tolerance = data::row_tolerance;
  return m;
}

std::optional<Sym> Session::read_data(const ast::Call& call, SourceSpan span, Lowerer& at) {
  const std::string& f = call.callee.text;
  if (f != "read_csv" && f != "read_json" && f != "read_bif") return std::nullopt;
  if (call.arguments.size() != 1) raise<K::wrong_argument_count>(span, f, "one file name", call.arguments.size());
  const Sym name = at.eval(*call.arguments[0].value);
  if (!name.other || name.other->string() == nullptr)
    raise<K::wrong_type>(call.arguments[0].value->span, "a file name in quotes", "something else");
  const std::filesystem::path given(*name.other->string());
  const std::string path = given.is_absolute() ? given.string() : (std::filesystem::path(folder_) / given).string();
  if (f == "read_bif") {
    DiagnosticSink sink;
    auto net = data::read_bif(path, span, sources_, sink);
    std::vector<Diagnostic> found = sink.take();
    // Without errors there are warnings at most; with some, the last ends the statement.
    for (std::size_t i = 0; i + (net ? 0 : 1) < found.size(); ++i) report(std::move(found[i]));
    if (!net) throw Failure{std::move(found.back())};
    auto model = std::make_shared<ModelObject>();
    model->source = to_model(*net, span);
    model->name = model->source.decl->name.text;
    if (!target_.empty()) {
      // The name it is bound to is the model's name.
      model->name = target_;
      environment_.models[target_] = model->source;
      priors_.erase(target_);
    }
    Value v;
    v.data = std::shared_ptr<const Object>(model);
    return Lowerer::from_value(v);
  }
  auto value = f == "read_csv" ? data::read_csv(path, span) : data::read_json(path, span);
  if (!value) throw Failure{std::move(value).error()};
  return Lowerer::from_value(to_value(*value));
}

}  // namespace hearsay
