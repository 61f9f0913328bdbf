// `teach`: clauses that do not go together are refused where they stand, before anything is drawn.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/session/session.h"
#include "runtime/session/unwrap.h"

namespace hearsay {

using K = DiagnosticKind;

void Session::check_lesson(const ast::Teach& t, SourceSpan span) const {
  const bool tokens = t.labels || t.forever_within;
  if (t.labels && t.forever_within)
    raise_help<K::bad_strength>(t.labels->get()->span, "leave one of them out",
                                "`labels` and `forever` both say how long to read the teacher's stream");
  if (t.odds && t.forever_within)
    raise_help<K::bad_strength>(t.odds->get()->span, "leave the strength to a schedule such as `geometric(0.99)`",
                                "claims at fixed odds never stop spending, so an endless stream of them has no limit");
  if (t.odds && t.share)
    raise_help<K::bad_strength>(
        t.share->get()->span, "leave the strength to a schedule, or the share out",
        "a share is a part of what a schedule allots, but `odds` says itself how strong each label is");
  if (tokens && !t.odds && !t.schedule)
    raise_help<K::strength_needed>(span, "say `budget 3 nats; schedule geometric(0.99);`, or `odds 2;`");
  if (t.via) {
    const auto map = environment_.maps.find(t.via->text);
    if (map == environment_.maps.end()) raise<K::unknown_name>(t.via->span, "map", t.via->text);
    if (map->second->from.text != t.teacher.text)
      raise<K::wrong_map_origin>(t.via->span, t.via->text, map->second->from.text, t.teacher.text);
    if (map->second->to.text != t.student.text)
      raise<K::wrong_map_target>(t.via->span, t.via->text, map->second->to.text, t.student.text);
  }
  if (t.through && !environment_.algebras.contains(t.through->text))
    raise<K::unknown_name>(t.through->span, "algebra", t.through->text);
  if (!tokens) return;
  std::shared_ptr<const Alphabet> alphabets[2];
  const ast::Name* const models[2] = {&t.student, &t.teacher};
  for (std::size_t k = 0; k < 2; ++k) {
    const auto& emits = environment_.models.at(models[k]->text).decl->emits;
    if (!emits) raise<K::no_emit>(models[k]->span);
    const auto at = environment_.alphabets.find(emits->text);
    if (at == environment_.alphabets.end()) return;  // the model's own error says so
    alphabets[k] = at->second;
  }
  if (t.through) {
    const Algebra& algebra = environment_.algebras.at(t.through->text);
    for (const auto& alphabet : alphabets)
      if (algebra.over(*alphabet) == nullptr)
        raise<K::bad_partition>(t.through->span, fmt::format("algebra `{}` says nothing about the alphabet {}",
                                                             t.through->text, alphabet->name));
    return;
  }
  if (alphabets[0]->labels == alphabets[1]->labels) return;
  std::vector<std::string> fitting;
  for (const auto& [name, algebra] : environment_.algebras)
    if (algebra.over(*alphabets[0]) != nullptr && algebra.over(*alphabets[1]) != nullptr)
      fitting.push_back(fmt::format("`through {}`", name));
  raise_help<K::different_labels>(t.teacher.span,
                                  fitting.empty() ? "declare an algebra over both alphabets and teach `through` it"
                                                  : fmt::format("say {}", fmt::join(fitting, " or ")),
                                  alphabets[0]->name, alphabets[1]->name);
}

}  // namespace hearsay
