#include "rows.hpp"

#include <algorithm>
#include <string>

#include "dirt.hpp"
#include "names.hpp"
#include "random.hpp"

namespace certificates {
namespace {

Moment moment(Random& random, int first_year, int last_year) {
  Moment m;
  m.year = static_cast<int>(random.between(first_year, last_year));
  m.month = static_cast<int>(random.between(1, 12));
  m.day = static_cast<int>(random.between(1, 28));
  m.hour = static_cast<int>(random.below(24));
  m.minute = static_cast<int>(random.below(60));
  m.second = static_cast<int>(random.below(60));
  return m;
}

/// A key of the table, or one that isn't there: a gap, zero, a negative one, one far beyond.
Cell reference(Random& random, Typist& typist, std::int64_t count, double nulls, double orphans) {
  if (typist.slips(nulls)) return Cell::null();
  if (typist.slips(orphans)) {
    switch (random.below(4)) {
      case 0:
        return Cell::integer(38 * random.between(1, std::max<std::int64_t>(1, count / 37)));
      case 1:
        return Cell::integer(0);
      case 2:
        return Cell::integer(-random.between(1, 50));
      default:
        return Cell::integer(9'000'000'000 + random.below(1000));
    }
  }
  if (count == 0) return Cell::null();
  return Cell::integer(key_of(random.below(count)));
}

std::string chassis(Random& random) {
  static constexpr char letters[] = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
  std::string value = "JT";
  for (int i = 0; i < 15; ++i) value += letters[random.below(sizeof letters - 1)];
  return value;
}

std::string plate(Random& random) {
  static constexpr const char* emirates[] = {"DXB", "AUH", "SHJ", "AJM", "RAK"};
  return std::string(random.pick(emirates)) + " " + static_cast<char>('A' + random.below(20)) + " " +
         std::to_string(random.between(1, 99'999));
}

std::vector<Cell> customer(const Shape&, std::int64_t index, Random& random, Typist& typist) {
  const std::string name = random.chance(700'000) ? company_name(random) : person_name(random);
  return {Cell::integer(key_of(index)),
          typist.text(name),
          typist.phone(),
          typist.text_or_null("office" + std::to_string(index) + "@example.ae", 3),
          typist.text(city_name(random)),
          typist.date(moment(random, 1988, 2024), random.chance(300'000))};
}

std::vector<Cell> user(const Shape& shape, std::int64_t index, Random& random, Typist& typist) {
  // Every other user is a technician too, some of them twice.
  const bool works = shape.technicians > 0 && random.chance(500'000);
  Cell full_name =
      works ? typist.technician(technician_name(random.below(shape.technicians))) : typist.text(person_name(random));
  return {Cell::integer(key_of(index)),
          reference(random, typist, shape.customers, 3, 1),
          typist.text("user" + std::to_string(index)),
          std::move(full_name),
          typist.text_or_null("user" + std::to_string(index) + "@example.ae", 2),
          typist.boolean(random.chance(800'000))};
}

std::vector<Cell> device(const Shape& shape, std::int64_t index, Random& random, Typist& typist) {
  static constexpr const char* models[] = {"SpeedGuard 200", "SpeedGuard 300", "LimiTech X1", "Autograde SL-4"};
  Cell number;
  if (typist.slips(0.25)) {
    static constexpr const char* blanks[] = {"", "  ", "\t"};
    if (random.chance(500'000)) number = Cell::text(random.pick(blanks));
  } else if (typist.slips(0.3) && shape.devices > 1) {
    number = typist.ecu(ecu_number(random.below(shape.devices)));  // usually that of another device
  } else {
    number = typist.ecu(ecu_number(index));
  }
  return {Cell::integer(key_of(index)), std::move(number), typist.text(random.pick(models)),
          typist.boolean(random.chance(20'000))};
}

std::int64_t certificate_key(const Shape& shape, std::int64_t index) {
  const bool wide = shape.wide_keys && index < shape.certificates && index + 3 >= shape.certificates;
  return wide ? 3'000'000'000 + index : key_of(index);
}

/// The renewal before this one: of the same device mostly; also itself, a later one, a ring of three or two, nothing.
Cell predecessor(const Shape& shape, std::int64_t index, Random& random, Typist& typist) {
  const auto key = [&](std::int64_t other) { return Cell::integer(certificate_key(shape, other)); };
  const std::int64_t last = shape.certificates - 1;
  Random ring(shape.seed, 11, static_cast<std::uint64_t>(index / 3));
  if (Typist(ring, shape.dirt).slips(0.05)) {
    const std::int64_t size = ring.chance(500'000) ? 2 : 3;
    const std::int64_t base = index - index % 3, place = index % 3;
    if (place < size && base + size - 1 <= last) return key(base + (place + 1) % size);
  }
  if (typist.slips(0.05)) return key(index);
  if (typist.slips(0.2)) return key(std::min(last, index + random.between(1, 5000)));
  if (typist.slips(0.3)) return reference(random, typist, shape.certificates, 0, 1000);
  if (index >= shape.devices && random.chance(600'000)) return key(index - shape.devices);
  return Cell::null();
}

/// Each fifth technician does half of the work.
Cell technician(const Shape& shape, Random& random, Typist& typist) {
  if (shape.technicians == 0) return Cell::null();
  const std::int64_t few = std::max<std::int64_t>(1, shape.technicians / 5);
  return typist.technician(technician_name(random.below(random.chance(500'000) ? few : shape.technicians)));
}

std::vector<Cell> certificate(const Shape& shape, std::int64_t index, Random& random, Typist& typist) {
  static constexpr const char* statuses[] = {"active", "active",  "active",  "active",    "active",
                                             "active", "renewed", "renewed", "nullified", "cancelled"};
  const std::int64_t devices = std::max<std::int64_t>(1, shape.devices);
  const std::int64_t which = typist.slips(0.25) ? shape.devices + random.below(10'000) : index % devices;
  Cell ecu = typist.slips(0.05) ? typist.text("") : typist.ecu(ecu_number(which));
  const Moment calibrated = moment(random, 2008, 2024);
  Moment expires = calibrated, created = calibrated;
  ++expires.year;
  created.hour = static_cast<int>(random.between(7, 18));
  const bool vehicle_known = !typist.slips(0.5);
  const char* status = random.chance(8'000) ? "blocked" : random.pick(statuses);
  return {Cell::integer(certificate_key(shape, index)),
          typist.text("C-" + std::to_string(calibrated.year) + "-" + std::to_string(100'000 + index)),
          std::move(ecu),
          reference(random, typist, shape.customers, 0.25, 0.2),
          reference(random, typist, shape.users, 1, 0.5),
          technician(shape, random, typist),
          random.chance(150'000) ? Cell::null() : technician(shape, random, typist),
          vehicle_known ? typist.vehicle(vehicle_type(random)) : typist.text(""),
          vehicle_known ? typist.text(chassis(random)) : typist.text_or_null(chassis(random), 12),
          vehicle_known ? typist.text(plate(random)) : typist.text_or_null(plate(random), 12),
          typist.speed(),
          random.chance(100'000) ? Cell::null() : typist.date(calibrated, random.chance(200'000)),
          typist.date(calibrated, random.chance(200'000)),
          typist.date(expires, random.chance(100'000)),
          typist.date(created, true),
          typist.status(status),
          predecessor(shape, index, random, typist),
          typist.remark()};
}

}  // namespace

Shape Shape::of(std::int64_t certificates) {
  Shape shape;
  shape.certificates = certificates;
  shape.devices = std::max<std::int64_t>(1, certificates / 8);
  shape.customers = std::max<std::int64_t>(1, certificates / 20);
  shape.users = std::max<std::int64_t>(1, certificates / 50);
  shape.technicians = std::min(technician_limit, 200 + certificates / 2500);
  return shape;
}

const TableInfo& info(Table table) {
  static const TableInfo tables[] = {
      {"customers", {"customer_id", "name", "phone", "email", "city", "created_on"}},
      {"users", {"user_id", "customer_id", "username", "full_name", "email", "is_active"}},
      {"devices", {"device_id", "ecu_number", "model", "is_blocked"}},
      {"certificates",
       {"cert_id", "cert_no", "ecu_number", "customer_id", "issued_by", "calibration_technician",
        "installation_technician", "vehicle_type", "chassis_number", "registration_number", "speed_limit",
        "installation_date", "calibration_date", "expiry_date", "created_at", "status", "renewed_from", "remarks"}}};
  return tables[static_cast<std::size_t>(table)];
}

std::int64_t count(const Shape& shape, Table table) {
  switch (table) {
    case Table::customers:
      return shape.customers;
    case Table::users:
      return shape.users;
    case Table::devices:
      return shape.devices;
    case Table::certificates:
      return shape.certificates;
  }
  return 0;
}

std::int64_t key_of(std::int64_t index) { return index + 1 + index / 37; }

std::int64_t index_of(std::int64_t key) { return key - 1 - (key - 1) / 38; }

std::vector<Cell> make_row(const Shape& shape, Table table, std::int64_t index) {
  Random random(shape.seed, static_cast<std::uint64_t>(table) + 1, static_cast<std::uint64_t>(index));
  Typist typist(random, shape.dirt);
  switch (table) {
    case Table::customers:
      return customer(shape, index, random, typist);
    case Table::users:
      return user(shape, index, random, typist);
    case Table::devices:
      return device(shape, index, random, typist);
    case Table::certificates:
      return certificate(shape, index, random, typist);
  }
  return {};
}

}  // namespace certificates
