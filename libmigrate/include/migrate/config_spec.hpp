// How a connector's options are named, typed, documented and parsed: once, bound to the members of a plain struct.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "migrate/config_convert.hpp"
#include "migrate/config_shape.hpp"
#include "migrate/secret.hpp"

MIGRATE_BEGIN

/// `T` is an aggregate whose member initialisers are the defaults of its optional fields.
///
///   Spec<JiraConfig>("Reads issues from Jira.")
///       .field("url", &JiraConfig::url, "The site's address")                          // required
///       .field("page_size", &JiraConfig::page_size, "Issues a request").optional().at_least(1).at_most(100)
///
/// Members: std::string, bool, int, std::int64_t, std::size_t, double, Secret, std::filesystem::path, Value, structs
/// with a Spec of their own, and std::optional, std::vector and std::map<std::string, …> of these. Modifiers speak of
/// the field before them; those that concern a value reach into optional, vector and map.
template <class T>
class Spec {
 public:
  using Type = T;
  explicit Spec(std::string doc) { shape_.doc = std::move(doc); }

  template <class X>
  Spec& field(std::string name, X T::*member, std::string doc) {
    return add(std::move(name), member, config::shape_of<X>(), config::NoSpec(), std::move(doc));
  }
  /// X is S, or an optional, vector or map of S.
  template <class X, class S>
  Spec& field(std::string name, X T::*member, Spec<S> nested, std::string doc) {
    auto shape = std::make_shared<const config::ObjectShape>(nested.shape());
    return add(std::move(name), member, config::shape_of<X>(shape), std::move(nested), std::move(doc));
  }

  /// May be left out: the member keeps its initialiser.
  Spec& optional() {
    last().required = false;
    return *this;
  }
  Spec& at_least(std::int64_t bound) {
    innermost().least = bound;
    return *this;
  }
  Spec& at_most(std::int64_t bound) {
    innermost().most = bound;
    return *this;
  }
  Spec& one_of(std::vector<std::string> choices) {
    innermost().choices = std::move(choices);
    return *this;
  }
  /// The list itself, or the text itself where there is no list.
  Spec& not_empty() {
    last().shape.not_empty = true;
    return *this;
  }
  /// `key: id` for `key: [id]`, at every level of lists.
  Spec& one_or_many() {
    config::Shape* shape = &last().shape;
    for (; shape->kind == config::Kind::list; shape = &own_element(*shape)) shape->one_or_many = true;
    return *this;
  }
  /// A text that may hold a password (a connection string): shown with the password masked, and warned of or refused
  /// like a Secret when it really holds one.
  Spec& sensitive() {
    innermost().sensitive = true;
    return *this;
  }

  /// Sees the parsed struct when nothing else is wrong, in order; throws ConfigError("member[2].x", "what is wrong")
  /// with a path relative to this struct, or any Error.
  Spec& validate(std::function<void(const T&)> check) {
    checks_.push_back(std::move(check));
    return *this;
  }
  /// Completes the struct from the object as it was written (the order of keys, say).
  Spec& after(std::function<void(T&, const Object&)> complete) {
    reader_.complete = std::move(complete);
    return *this;
  }

  /// Throws ConfigError with every fault.
  T parse(const Value& value, const config::Context& context = config::Context()) const {
    return reader_.read(config::checked(shape(), value, context));
  }
  /// From a value that checked() or parse() has seen.
  T read(const Value& value) const { return reader_.read(value); }

  config::ObjectShape shape() const {
    config::ObjectShape shape = shape_;
    for (const auto& check : checks_) {
      shape.validators.push_back([reader = reader_, check](const Value& value) { check(reader.read(value)); });
    }
    return shape;
  }
  Value json_schema() const { return config::json_schema(shape_); }
  std::string markdown() const { return config::markdown(shape_); }
  Value redacted(const Value& value) const { return config::redacted(shape_, value); }

 private:
  struct Reader {
    std::vector<std::function<void(T&, const Object&)>> fields;
    std::function<void(T&, const Object&)> complete;

    T read(const Value& value) const {
      T result{};
      const Object& object = value.get_object();
      for (const auto& field : fields) field(result, object);
      if (complete) complete(result, object);
      return result;
    }
  };

  template <class X, class Nested>
  Spec& add(std::string name, X T::*member, config::Shape shape, Nested nested, std::string doc) {
    config::Field field;
    field.name = name;
    field.doc = std::move(doc);
    field.shape = std::move(shape);
    field.nullable = config::is_optional<X>;
    field.required = !config::is_optional<X>;
    field.fallback = config::default_of(T{}.*member);
    shape_.fields.push_back(std::move(field));
    reader_.fields.push_back(
        [name = std::move(name), member, nested = std::move(nested)](T& out, const Object& object) {
          const Value* value = object.if_contains(name);
          if (value && !(value->is_null() && config::is_optional<X>)) config::convert(*value, out.*member, nested);
        });
    return *this;
  }
  config::Field& last() { return shape_.fields.back(); }
  // Copied before it is changed: a shape may be shared with another spec.
  static config::Shape& own_element(config::Shape& shape) {
    auto copy = std::make_shared<config::Shape>(*shape.element);
    shape.element = copy;
    return *copy;
  }
  config::Shape& innermost() {
    config::Shape* shape = &last().shape;
    while (shape->element) shape = &own_element(*shape);
    return *shape;
  }

  config::ObjectShape shape_;
  Reader reader_;
  std::vector<std::function<void(const T&)>> checks_;
};

MIGRATE_END
