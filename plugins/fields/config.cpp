#include "config.hpp"

#include <memory>

#include "program.hpp"

namespace migrate::fields {
namespace {

const std::vector<std::string> refusals{"fail", "warn", "clear", "keep"};
const char* const refusals_doc = "fail: the record fails; warn: null and a warning; clear: null; keep: left as it is";

Spec<TextRule> text_spec() {
  return Spec<TextRule>("Cleans text; numbers and booleans become text.")
      .field("fields", &TextRule::fields, "The fields")
      .one_or_many()
      .not_empty()
      .field("charset", &TextRule::charset,
             "What a value is that is not UTF-8 as a whole (cp1256, latin1, …); without "
             "it such a value fails the record with the cause not_utf8")
      .optional()
      .field("remove", &TextRule::remove, "Texts that are taken out first")
      .optional()
      .one_or_many()
      .field("collapse", &TextRule::collapse, "Runs of white space become one blank")
      .optional()
      .field("trim", &TextRule::trim, "White space at both ends goes")
      .optional()
      .field("case", &TextRule::letters, "ASCII letters")
      .optional()
      .one_of({"as they are", "upper", "lower"})
      .field("keep_empty", &TextRule::keep_empty, "Empty text stays; otherwise it becomes null")
      .optional();
}

Spec<DateRule> date_spec() {
  return Spec<DateRule>("Reads dates and times; a `$date` is left as it is.")
      .field("fields", &DateRule::fields, "The fields")
      .one_or_many()
      .not_empty()
      .field("formats", &DateRule::formats,
             "YYYY YY MM DD hh mm ss, f (fraction), Z (offset); \"[a|b]\": nothing, a or b")
      .one_or_many()
      .not_empty()
      .field("zero", &DateRule::zero, "Texts that count as blank; brackets as in formats")
      .optional()
      .one_or_many()
      .field("zone", &DateRule::zone, "Zone of the IANA database, or an offset (+04:00)")
      .optional()
      .field("pivot", &DateRule::pivot, "YY below it is 20YY, from it on 19YY")
      .optional()
      .at_least(0)
      .at_most(100)
      .field("as", &DateRule::as, "instant: a `$date` in UTC; day: the text YYYY-MM-DD, without the zone")
      .optional()
      .one_of({"instant", "day"})
      .field("blank", &DateRule::blank, "keep: null; fail: the record fails with `cause`")
      .optional()
      .one_of({"keep", "fail"})
      .field("invalid", &DateRule::invalid, refusals_doc)
      .optional()
      .one_of(refusals)
      .field("cause", &DateRule::cause, "Of the failure or warning")
      .optional()
      .not_empty();
}

Spec<NumberRule> number_spec() {
  return Spec<NumberRule>("Reads a number from text; numbers are only checked against the limits.")
      .field("field", &NumberRule::field, "The field")
      .not_empty()
      .field("to", &NumberRule::to, "Where the number goes; default: the field itself")
      .optional()
      .field("take", &NumberRule::take,
             "first_integer: the first run of digits in the text; integer and decimal: the "
             "whole text")
      .optional()
      .one_of({"first_integer", "integer", "decimal"})
      .field("decimal_mark", &NumberRule::decimal_mark, "Of decimal")
      .optional()
      .one_of({".", ","})
      .field("min", &NumberRule::min, "The least that is taken")
      .field("max", &NumberRule::max, "The most that is taken")
      .field("none", &NumberRule::none, std::string("Where there is no number. ") + refusals_doc)
      .optional()
      .one_of(refusals)
      .field("none_cause", &NumberRule::none_cause, "Of that failure or warning")
      .optional()
      .not_empty()
      .field("beyond", &NumberRule::beyond, std::string("Outside the limits. ") + refusals_doc)
      .optional()
      .one_of(refusals)
      .field("beyond_cause", &NumberRule::beyond_cause, "Of that failure or warning")
      .optional()
      .not_empty()
      .field("range_cause", &NumberRule::range_cause,
             "Warning where an integer, a dash and a second integer follow one "
             "another (\"80-90\"): the first is taken")
      .optional();
}

Spec<BooleanRule> boolean_spec() {
  return Spec<BooleanRule>("Reads true and false, in any case of ASCII letters.")
      .field("fields", &BooleanRule::fields, "The fields")
      .one_or_many()
      .not_empty()
      .field("is_true", &BooleanRule::is_true, "Texts that are true")
      .optional()
      .one_or_many()
      .field("is_false", &BooleanRule::is_false, "Texts that are false")
      .optional()
      .one_or_many()
      .field("rest", &BooleanRule::rest, "What everything else is, blanks too; without it blanks become null")
      .field("invalid", &BooleanRule::invalid, std::string("Without `rest`. ") + refusals_doc)
      .optional()
      .one_of(refusals)
      .field("cause", &BooleanRule::cause, "Of the failure or warning")
      .optional()
      .not_empty();
}

Spec<MapRule> map_spec() {
  return Spec<MapRule>("Replaces values by a list.")
      .field("field", &MapRule::field, "The field")
      .not_empty()
      .field("to", &MapRule::to, "Where the value goes; default: the field itself")
      .optional()
      .field("values", &MapRule::values, "Old to new")
      .not_empty()
      .field("fold", &MapRule::fold, "Case of ASCII letters and white space at the ends do not matter")
      .optional()
      .field("default", &MapRule::fallback, "For values that are not listed, with a warning `cause`")
      .field("otherwise", &MapRule::otherwise, std::string("Without `default`. ") + refusals_doc)
      .optional()
      .one_of(refusals)
      .field("blank", &MapRule::blank, "keep: null; otherwise: like a value that is not listed")
      .optional()
      .one_of({"keep", "otherwise"})
      .field("cause", &MapRule::cause, "Of the failure or warning")
      .optional()
      .not_empty();
}

Spec<LookupRule> lookup_spec() {
  return Spec<LookupRule>("Replaces values by a mapping file.")
      .field("field", &LookupRule::field, "The field")
      .not_empty()
      .field("to", &LookupRule::to, "Where the value goes; default: the field itself")
      .optional()
      .field("in", &LookupRule::in, "Name of the mapping (`mappings`)")
      .not_empty()
      .field("default", &LookupRule::fallback, "For values that are not there, with a warning `cause`")
      .field("missing", &LookupRule::missing, std::string("Without `default`. ") + refusals_doc)
      .optional()
      .one_of(refusals)
      .field("cause", &LookupRule::cause, "Of the failure or warning")
      .optional()
      .not_empty();
}

Spec<RegexRule> regex_spec() {
  return Spec<RegexRule>("Replaces or extracts by a regular expression (Perl's syntax, bytes).")
      .field("field", &RegexRule::field, "The field")
      .not_empty()
      .field("to", &RegexRule::to, "Where the text goes; default: the field itself")
      .optional()
      .field("pattern", &RegexRule::pattern, "The expression")
      .not_empty()
      .field("replace", &RegexRule::replace, "Text for every match, with $1, $2 for groups")
      .field("extract", &RegexRule::extract, "Text made of the first match, with $1, $2 for groups")
      .field("fold", &RegexRule::fold, "Case does not matter")
      .optional()
      .field("no_match", &RegexRule::no_match, refusals_doc)
      .optional()
      .one_of(refusals)
      .field("cause", &RegexRule::cause, "Of the failure or warning")
      .optional()
      .not_empty();
}

Spec<SplitRule> split_spec() {
  return Spec<SplitRule>("Parts a text into as many fields as are listed; the last takes the rest.")
      .field("field", &SplitRule::field, "The field")
      .not_empty()
      .field("by", &SplitRule::by, "The separator; default: a run of white space")
      .optional()
      .field("into", &SplitRule::into, "The fields")
      .not_empty()
      .field("missing", &SplitRule::missing, "Fields without a part: null; repeat: the last part again; fail")
      .optional()
      .one_of({"null", "repeat", "fail"})
      .field("cause", &SplitRule::cause, "Of the failure")
      .optional()
      .not_empty();
}

Spec<LinkRule> link_spec() {
  return Spec<LinkRule>("A field that names another record becomes a reference to it.")
      .field("field", &LinkRule::field, "The field that holds the other record's id or key")
      .not_empty()
      .field("as", &LinkRule::as, "The column that receives the target's id; default: the field itself")
      .optional()
      .field("to", &LinkRule::to, "Type, or type.key for an alternate key")
      .not_empty()
      .field("missing", &LinkRule::missing,
             "Of the other record. fail: this one fails; defer: set once it is there, a "
             "warning if it never is; drop: null, with a warning where there is a cause")
      .optional()
      .one_of({"fail", "defer", "drop"})
      .field("cause", &LinkRule::cause, "Of the failure or warning")
      .optional()
      .field("blank", &LinkRule::blank, "none: no reference; fail: as if the other record were missing")
      .optional()
      .one_of({"none", "fail"});
}

Spec<KeyRule> key_spec() {
  return Spec<KeyRule>("A second name under which links find the record; blank: none.")
      .field("field", &KeyRule::field, "The field")
      .not_empty()
      .field("name", &KeyRule::name, "Name of the key; default: the field's")
      .optional()
      .field("duplicate_cause", &KeyRule::duplicate_cause, "A later record of the same name fails with it")
      .optional();
}

Spec<EmitLink> emit_link_spec() {
  return Spec<EmitLink>("A reference of the new record.")
      .field("as", &EmitLink::as, "The column that receives the target's id")
      .not_empty()
      .field("to", &EmitLink::to, "Type, or type.key for an alternate key")
      .not_empty()
      .field("id", &EmitLink::id, "Text with {field}; blank: no reference")
      .not_empty()
      .field("missing", &EmitLink::missing, "As in link")
      .optional()
      .one_of({"fail", "defer", "drop"})
      .field("cause", &EmitLink::cause, "Of the failure or warning")
      .optional();
}

Spec<EmitKey> emit_key_spec() {
  return Spec<EmitKey>("A second name of the new record.")
      .field("name", &EmitKey::name, "Name of the key")
      .not_empty()
      .field("value", &EmitKey::value, "Text with {field}; blank: none")
      .not_empty()
      .field("duplicate_cause", &EmitKey::duplicate_cause, "As in key")
      .optional();
}

Spec<EmitRule> emit_spec() {
  return Spec<EmitRule>("One more record, of one unit with this one. The rules after this one see it as well.")
      .field("type", &EmitRule::type, "Its type")
      .not_empty()
      .field("id", &EmitRule::id, "Its id: text with {field}, {$id} for this record's own")
      .not_empty()
      .field("data", &EmitRule::data, "Its fields: constants, or text with {field}")
      .optional()
      .field("links", &EmitRule::links, emit_link_spec(), "Its references")
      .optional()
      .field("keys", &EmitRule::keys, emit_key_spec(), "Its second names")
      .optional()
      .field("intent", &EmitRule::intent, "upsert; get_or_create: the first of a run decides the content; patch")
      .optional()
      .one_of({"upsert", "get_or_create", "patch"});
}

Spec<FailRule> fail_spec() {
  return Spec<FailRule>("The record fails.")
      .field("cause", &FailRule::cause, "A word that groups equal failures")
      .not_empty()
      .field("message", &FailRule::message, "Text with {field}")
      .optional()
      .field("advice", &FailRule::advice, "What a person can do")
      .optional();
}

Spec<WarnRule> warn_spec() {
  return Spec<WarnRule>("A warning, counted by its cause.")
      .field("cause", &WarnRule::cause, "A word that groups equal warnings")
      .not_empty()
      .field("message", &WarnRule::message, "Text with {field}")
      .optional()
      .field("field", &WarnRule::field, "The field that it is about")
      .optional();
}

Spec<RuleConfig> rule_spec() {
  return Spec<RuleConfig>("One operation, and the records that it is for.")
      .field("for", &RuleConfig::types, "Types of records; default: all")
      .optional()
      .one_or_many()
      .field("when", &RuleConfig::when,
             "A condition: {field, blank|present|equals|one_of|matches}, {all: […]}, "
             "{any: […]}, {not: …}; a list means all")
      .field("rename", &RuleConfig::rename, "Old name to new name")
      .field("copy", &RuleConfig::copy, "From field to field")
      .field("set", &RuleConfig::set, "Field to constant")
      .field("remove", &RuleConfig::remove, "Fields that go")
      .one_or_many()
      .field("keep", &RuleConfig::keep, "Fields that stay: every other goes")
      .one_or_many()
      .field("text", &RuleConfig::text, text_spec(), "Cleans text")
      .field("digits", &RuleConfig::digits, "Fields whose Arabic-Indic and Persian digits become ASCII")
      .one_or_many()
      .field("date", &RuleConfig::date, date_spec(), "Reads dates")
      .field("number", &RuleConfig::number, number_spec(), "Reads a number")
      .field("boolean", &RuleConfig::boolean, boolean_spec(), "Reads true and false")
      .field("map", &RuleConfig::map, map_spec(), "Replaces values by a list")
      .field("lookup", &RuleConfig::lookup, lookup_spec(), "Replaces values by a mapping file")
      .field("regex", &RuleConfig::regex, regex_spec(), "Replaces or extracts")
      .field("split", &RuleConfig::split, split_spec(), "Parts a text into fields")
      .field("template", &RuleConfig::templates, "Field to text with {field}")
      .field("link", &RuleConfig::link, link_spec(), "Refers to another record")
      .field("key", &RuleConfig::key, key_spec(), "Gives the record a second name")
      .field("emit", &RuleConfig::emit, emit_spec(), "Makes one more record")
      .field("type", &RuleConfig::type, "The record's new type")
      .field("drop", &RuleConfig::drop, "Why the record is left out; it counts as dropped")
      .field("fail", &RuleConfig::fail, fail_spec(), "The record fails")
      .field("warn", &RuleConfig::warn, warn_spec(), "A warning");
}

Spec<MappingConfig> mapping_spec() {
  return Spec<MappingConfig>("A file of keys and values.")
      .field("file", &MappingConfig::file, "CSV with a header line, JSON object, or JSON array of objects")
      .not_empty()
      .field("key", &MappingConfig::key, "The column that is looked up (CSV, array)")
      .optional()
      .field("value", &MappingConfig::value, "The column that is taken (CSV, array)")
      .optional()
      .field("fold", &MappingConfig::fold, "Case of ASCII letters and white space at the ends do not matter")
      .optional();
}

}  // namespace

Spec<FieldsConfig> fields_spec() {
  return Spec<FieldsConfig>("Changes records by a list of rules, in order.")
      .field("rules", &FieldsConfig::rules, rule_spec(), "The rules")
      .field("mappings", &FieldsConfig::mappings, mapping_spec(), "Files for `lookup`, by name")
      .optional()
      .validate([](const FieldsConfig& config) { RuleSet check(config); });
}

}  // namespace migrate::fields
