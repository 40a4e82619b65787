// The rules of examples/drivers/certificates/migration.yaml, value by value.
#include <doctest/doctest.h>

#include <set>

#include "kit.hpp"

namespace {

const migrate::Transformer& migration() {
  static const auto transformer = kit::certificates();
  return *transformer;
}

migrate::Object certificate() {
  return boost::json::parse(R"({"cert_id":7,"cert_no":"C-7","ecu_number":"ECU-1","customer_id":3,"issued_by":4,
    "calibration_technician":null,"installation_technician":null,"vehicle_type":null,"chassis_number":null,
    "registration_number":null,"speed_limit":"80 km/h","installation_date":null,"calibration_date":"2024-02-29",
    "expiry_date":null,"created_at":"2024-02-29 12:00","status":"active","renewed_from":null,"remarks":null})")
      .as_object();
}

std::vector<migrate::Record> migrated(migrate::Object data, const std::string& type = "certificates") {
  return kit::apply(migration(), kit::record(type, "7", std::move(data)));
}

/// A certificate with one other value.
std::vector<migrate::Record> with(std::string_view field, const migrate::Value& value) {
  migrate::Object data = certificate();
  data[field] = value;
  return migrated(std::move(data));
}

std::string cause_with(std::string_view field, const migrate::Value& value) {
  try {
    with(field, value);
  } catch (const migrate::Error& error) {
    return error.cause;
  }
  return std::string();
}

const migrate::Link* link_of(const migrate::Record& record, std::string_view relation) {
  for (const migrate::Link& link : record.links) {
    if (link.relation == relation) return &link;
  }
  return nullptr;
}

/// The result, "null", or the cause; with the warnings after it.
std::string date_of(std::string_view field, std::string_view result, const migrate::Value& value) {
  try {
    auto out = with(field, value);
    const migrate::Value& date = out.at(0).data.at(result);
    std::string text = date.is_null() ? "null" : std::string(date.at("$date").as_string());
    return text + kit::warnings_of(out[0]);
  } catch (const migrate::Error& error) {
    return error.cause;
  }
}

}  // namespace

TEST_CASE("dates") {
  const std::string noon = "2024-02-29T08:00:00Z", bad = "nullinvalid_date";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"2024-02-29", "2024-02-28T20:00:00Z"},
      {"2024-02-29 12:00", noon},
      {"2024-02-29 12:00:00", noon},
      {"2024-02-29T12:00:00", noon},
      {"29/02/2024 12:00", noon},
      {"29-02-2024 12:00:00", noon},
      {"29/02/24T12:00:00", noon},
      {"29-02-24 12:00", noon},
      {" \t2024-02-29T12:00:00\r\n", noon},
      {"٢٩/٠٢/٢٠٢٤ ١٢:٠٠", noon},
      {"۲۹-۰۲-۲۴ ۱۲:۰۰", noon},
      {"01/01/69", "2068-12-31T20:00:00Z"},
      {"01-01-70", "1969-12-31T20:00:00Z"},
      {"01/01/00", "1999-12-31T20:00:00Z"},
      {"31-12-99", "1999-12-30T20:00:00Z"},
      {"1900-03-01", "1900-02-28T20:00:00Z"},  // four hours before there was a zone too
      {"1919-06-01 04:00", "1919-06-01T00:00:00Z"},
      {"2000-02-29", "2000-02-28T20:00:00Z"},
      {"2024-01-01 23:59:59", "2024-01-01T19:59:59Z"},
      {"9999-12-31 23:59:59", "9999-12-31T19:59:59Z"},
      {"", "null"},
      {" \t\r\n\v\f ", "null"},
      {"0000-00-00", "null"},
      {"0000-00-00 00:00", "null"},
      {"0000-00-00 00:00:00", "null"},
      {"0000-00-00T00:00:00", "null"},
      {"٠٠٠٠-٠٠-٠٠", "null"},
      {"0000-00-00 00:01", bad},
      {"00/00/0000", bad},
      {"0000-01-01", bad},
      {"0001-01-01", bad},
      {"31/02/2024", bad},
      {"29/02/2023", bad},
      {"1900-02-29", bad},
      {"31-04-2024", bad},
      {"2024-13-01", bad},
      {"2024-00-10", bad},
      {"2024-01-00", bad},
      {"12/13/2024", bad},
      {"2020-1-5", bad},
      {"5/1/2020", bad},
      {"29/02-2024", bad},
      {"29.02.2024", bad},
      {"2024/02/29", bad},
      {"20240229", bad},
      {"2024-02-29 24:00", bad},
      {"2024-02-29 12:60", bad},
      {"2024-02-29 12:00:60", bad},
      {"2024-02-29 1:00", bad},
      {"2024-02-29  12:00", bad},
      {"2024-02-29\t12:00", bad},
      {"2024-02-29T12:00", bad},
      {"2024-02-29t12:00:00", bad},
      {"2024-02-29 12:00:00.5", bad},
      {"2024-02-29T12:00:00Z", bad},
      {"2024-02-29 approx.", bad},
      {"24-02-29", "2029-02-23T20:00:00Z"},  // the day comes first
      {"24-13-29", bad},
      {"\u00a02024-02-29", bad},
      {"yesterday", bad},
  };
  for (const auto& row : cases) {
    const auto& text = row.first;
    const auto& wanted = row.second;
    CAPTURE(text);
    CHECK(date_of("installation_date", "installed_at", migrate::Value(text)) == wanted);
    CHECK(date_of("expiry_date", "expires_at", migrate::Value(text)) == wanted);
    bool fails = wanted == bad || wanted == "null";
    CHECK(date_of("calibration_date", "calibrated_at", migrate::Value(text)) == (fails ? "invalid_date" : wanted));
    CHECK(date_of("created_at", "created_at", migrate::Value(text)) == (fails ? "invalid_date" : wanted));
    auto customer = migrated(migrate::Object{{"created_on", text}}, "customers");
    const migrate::Value& created = customer.at(0).data.at("created_at");
    CHECK((created.is_null() ? "null" : std::string(created.at("$date").as_string())) + kit::warnings_of(customer[0]) ==
          wanted);
  }
  CHECK(date_of("created_at", "created_at", nullptr) == "invalid_date");
  CHECK(date_of("expiry_date", "expires_at", nullptr) == "null");
}

TEST_CASE("text is decoded, trimmed, and NULL where it is empty") {
  auto remark = [](const migrate::Value& value) {
    return boost::json::serialize(with("remarks", value).at(0).data.at("remarks"));
  };
  CHECK(remark(" a  b\t") == R"("a  b")");
  CHECK(remark("") == "null");
  CHECK(remark(" \v\f\t\r\n") == "null");
  CHECK(remark(nullptr) == "null");
  CHECK(remark("\u00a0x\u00a0") == "\"\u00a0x\u00a0\"");
  CHECK(remark("سعيد") == "\"سعيد\"");
  CHECK(remark("caf\xE9 \xC7\xE1") == "\"café ال\"");
  CHECK(remark("\xC7\xE1 \u0627\u0644") != "\"ال ال\"");  // as a whole: nothing of it is UTF-8
  CHECK(remark(boost::json::parse(R"({"$binary":{"base64":"x+E=","subType":"00"}})")) == "\"ال\"");
  CHECK(remark(boost::json::parse(R"({"$binary":{"base64":"2LPYudmK2K8=","subType":"00"}})")) == "\"سعيد\"");
  CHECK(remark(17) == R"("17")");
  CHECK(with("cert_no", " C-1 ").at(0).data.at("number") == "C-1");
  CHECK(with("cert_no", "١٢").at(0).data.at("number") == "١٢");  // digits stay where no rule names them

  auto customer = migrated(boost::json::parse(R"({"customer_id":7,"name":" A ","phone":" ٠٥٠-۱۲ ","email":"","city":"١",
                                                 "created_on":null,"extra":1})")
                               .as_object(),
                           "customers");
  CHECK(boost::json::serialize(customer.at(0).data) ==
        R"({"name":"A","phone":"050-12","email":null,"city":"١","created_at":null})");
}

TEST_CASE("speeds") {
  auto speed = [](const migrate::Value& value) {
    auto out = with("speed_limit", value);
    return boost::json::serialize(out.at(0).data.at("speed_kmh")) + " " + kit::warnings_of(out[0]);
  };
  CHECK(speed("80 km/h") == "80 ");
  CHECK(speed("80KM") == "80 ");
  CHECK(speed("-80") == "80 ");
  CHECK(speed("+80") == "80 ");
  CHECK(speed("80.5") == "80 ");
  CHECK(speed("max 080") == "80 ");
  CHECK(speed("٨٠ كم") == "80 ");
  CHECK(speed("80-90") == "80 speed_range");
  CHECK(speed("80 - 90 km/h") == "80 speed_range");
  CHECK(speed("٨٠-٩٠") == "80 speed_range");
  CHECK(speed("80‐90") == "80 speed_range");
  CHECK(speed("80  ―  90") == "80 speed_range");
  CHECK(speed("80 \x96 90") == "80 speed_range");  // the dash of cp1256
  CHECK(speed("80- km/h") == "80 ");
  CHECK(speed("80 km - 90 km") == "80 ");
  CHECK(speed("80\u00a0-\u00a090") == "80 ");
  CHECK(speed("80--90") == "80 ");
  CHECK(speed("80 to 90") == "80 ");
  CHECK(speed("km/h") == "null ");
  CHECK(speed("") == "null ");
  CHECK(speed(nullptr) == "null ");
  CHECK(speed("2147483647") == "2147483647 ");
  CHECK(speed("2147483648") == "null speed_out_of_range");
  CHECK(speed("99999999999999999999-5") == "null speed_out_of_range");
  CHECK(speed("0") == "0 ");
}

TEST_CASE("booleans") {
  auto active = [](const migrate::Value& value) {
    return migrated(migrate::Object{{"is_active", value}}, "users").at(0).data.at("is_active").as_bool();
  };
  for (const char* yes : {"1", "y", "Y", "yes", "Yes", "true", "TRUE", "t", "T", "on", "ON", " Yes ", "y\t"})
    CHECK(active(yes));
  for (const char* no : {"0", "n", "no", "off", "false", "", " ", "2", "10", "tru", "yes!", "١", "\u00a01"})
    CHECK_FALSE(active(no));
  CHECK_FALSE(active(nullptr));
  CHECK(active(1));
}

TEST_CASE("states") {
  auto status = [](const migrate::Value& value) {
    try {
      return std::string(with("status", value).at(0).data.at("status").as_string());
    } catch (const migrate::Error& error) {
      return "! " + error.cause;
    }
  };
  CHECK(status("active") == "active");
  CHECK(status(" Renewed\n") == "renewed");
  CHECK(status("NULLIFIED") == "nullified");
  CHECK(status("Canceled") == "cancelled");
  CHECK(status("cancelled") == "cancelled");
  CHECK(status("bLocked") == "blocked");
  for (const char* unknown : {"", "expired", "block", "active\u00a0", "active x"})
    CHECK(status(unknown) == "! unknown_status");
  CHECK(status(nullptr) == "! unknown_status");
}

TEST_CASE("devices") {
  auto device = [](const migrate::Value& number) {
    return migrated(migrate::Object{{"device_id", 7}, {"ecu_number", number}, {"model", " m "}, {"is_blocked", "Y"}},
                    "devices");
  };
  auto out = device(" ecu-é١۲\t");
  CHECK(boost::json::serialize(out.at(0).data) == "{\"ecu_number\":\"ECU-é12\",\"model\":\"m\",\"blocked\":true}");
  REQUIRE(out[0].keys.size() == 1);
  CHECK(out[0].keys[0].name == "ecu_number");
  CHECK(out[0].keys[0].value == "ECU-é12");
  CHECK(out[0].keys[0].duplicate_cause == "duplicate_ecu");
  CHECK(device(" ").at(0).keys.empty());
  CHECK(device(nullptr).at(0).data.at("ecu_number").is_null());
}

TEST_CASE("references of a certificate") {
  auto out = with("ecu_number", " ecu-١ ");
  const migrate::Link* device = link_of(out.at(0), "device_id");
  REQUIRE(device != nullptr);
  CHECK(device->target == migrate::RecordRef{"devices.ecu_number", "ECU-1"});
  CHECK(device->missing == migrate::Missing::fails);
  CHECK(device->cause == "missing_device");
  const migrate::Link* customer = link_of(out[0], "customer_id");
  REQUIRE(customer != nullptr);
  CHECK(customer->target == migrate::RecordRef{"customers", "3"});
  CHECK(customer->missing == migrate::Missing::fails);
  CHECK(customer->cause == "missing_customer");
  CHECK(device < customer);  // the order in which causes are told
  const migrate::Link* issuer = link_of(out[0], "issued_by");
  REQUIRE(issuer != nullptr);
  CHECK(issuer->target == migrate::RecordRef{"users", "4"});
  CHECK(issuer->missing == migrate::Missing::dropped);
  CHECK(issuer->cause == "missing_user");
  CHECK(link_of(out[0], "renewed_from_id") == nullptr);

  out = with("renewed_from", 7);
  const migrate::Link* before = link_of(out.at(0), "renewed_from_id");
  REQUIRE(before != nullptr);
  CHECK(before->target == migrate::RecordRef{"certificates", "7"});
  CHECK(before->missing == migrate::Missing::deferred);
  CHECK(before->cause == "missing_predecessor");

  CHECK(link_of(with("customer_id", nullptr).at(0), "customer_id") == nullptr);
  CHECK(link_of(with("issued_by", nullptr).at(0), "issued_by") == nullptr);
  CHECK(cause_with("ecu_number", nullptr) == "missing_device");
  CHECK(cause_with("ecu_number", " ") == "missing_device");
}

TEST_CASE("the first cause is told") {
  migrate::Object data = certificate();
  auto cause = [&] {
    try {
      migrated(data);
    } catch (const migrate::Error& error) {
      return error.cause;
    }
    return std::string();
  };
  data["ecu_number"] = nullptr;
  CHECK(cause() == "missing_device");
  data["status"] = "?";
  CHECK(cause() == "unknown_status");
  data["created_at"] = "?";
  CHECK(cause() == "invalid_date");
}

TEST_CASE("technicians") {
  migrate::Object data = certificate();
  data["calibration_technician"] = " A. B.\t Khan ";
  data["installation_technician"] = "ÉMILE";
  auto out = migrated(data);
  REQUIRE(out.size() == 3);
  CHECK(out[1].ref == migrate::RecordRef{"technicians", "a b khan"});
  CHECK(out[1].intent == migrate::Intent::get_or_create);
  CHECK(out[1].data.at("name") == "A. B.\t Khan");
  CHECK(out[1].data.at("user_id").is_null());
  REQUIRE(out[1].links.size() == 1);
  CHECK(out[1].links[0].relation == "user_id");
  CHECK(out[1].links[0].target == migrate::RecordRef{"users.name_key", "a b khan"});
  CHECK(out[1].links[0].missing == migrate::Missing::dropped);
  CHECK(out[1].links[0].cause.empty());
  CHECK(out[2].ref == migrate::RecordRef{"technicians", "Émile"});  // only ASCII letters are folded
  const migrate::Link* calibration = link_of(out[0], "calibration_technician_id");
  REQUIRE(calibration != nullptr);
  CHECK(calibration->target == migrate::RecordRef{"technicians", "a b khan"});
  const migrate::Link* installation = link_of(out[0], "installation_technician_id");
  REQUIRE(installation != nullptr);
  CHECK(installation->target == migrate::RecordRef{"technicians", "Émile"});

  auto key = [](const std::string& name) {
    auto records = with("calibration_technician", migrate::Value(name));
    return records.size() > 1 ? records[1].ref.id : std::string("-");
  };
  CHECK(key("A . Khan") == "a khan");
  CHECK(key("A.Khan") == "akhan");
  CHECK(key(". Ali") == "ali");
  CHECK(key("A\u00a0B") == "a\u00a0b");
  CHECK(key(" . . ") == "-");
  CHECK(key("") == "-");
  CHECK(link_of(with("calibration_technician", ".").at(0), "calibration_technician_id") == nullptr);

  auto user =
      migrated(boost::json::parse(R"({"user_id":7,"customer_id":9,"username":"u","full_name":"A.  Khan","email":null,
                                             "is_active":"1"})")
                   .as_object(),
               "users");
  REQUIRE(user.at(0).keys.size() == 1);
  CHECK(user[0].keys[0].name == "name_key");
  CHECK(user[0].keys[0].value == "a khan");
  CHECK(user[0].keys[0].duplicate_cause.empty());
  CHECK(user[0].links.at(0).missing == migrate::Missing::dropped);
  CHECK(user[0].links[0].cause == "missing_customer");
  CHECK(boost::json::serialize(user[0].data) ==
        R"({"customer_id":null,"username":"u","full_name":"A.  Khan","email":null,"is_active":true})");
}

TEST_CASE("vehicles") {
  auto vehicle = [](const std::string& type) {
    auto out = with("vehicle_type", migrate::Value(type));
    if (out.size() < 2) return "-" + kit::warnings_of(out.at(0));
    return std::string(out[1].data.at("brand").as_string()) + "|" + std::string(out[1].data.at("model").as_string());
  };
  CHECK(vehicle("Toyota Hiace") == "Toyota|Hiace");
  CHECK(vehicle(" Toyota \t Land  Cruiser ") == "Toyota|Land  Cruiser");
  CHECK(vehicle("Hiace") == "Hiace|Hiace");
  CHECK(vehicle("Toyota\u00a0Hiace") == "Toyota\u00a0Hiace|Toyota\u00a0Hiace");
  CHECK(vehicle(" ") == "-");

  migrate::Object data = certificate();
  data["vehicle_type"] = "Toyota Hiace";
  data["chassis_number"] = " CH ";
  auto out = migrated(data);
  REQUIRE(out.size() == 2);
  CHECK(out[1].ref == migrate::RecordRef{"vehicles", "7"});
  CHECK(
      boost::json::serialize(out[1].data) ==
      R"({"brand":"Toyota","chassis_number":"CH","is_new_registration":false,"model":"Hiace","registration_number":null,)"
      R"("certificate_id":null})");
  CHECK(out[1].links.at(0).relation == "certificate_id");
  CHECK(out[1].links[0].target == migrate::RecordRef{"certificates", "7"});
  CHECK(out[1].links[0].missing == migrate::Missing::fails);

  data["vehicle_type"] = " ";
  out = migrated(data);
  CHECK(out.size() == 1);
  CHECK(kit::warnings_of(out.at(0)) == "missing_vehicle_type");
  data["chassis_number"] = nullptr;
  data["registration_number"] = "D 1";
  CHECK(kit::warnings_of(migrated(data).at(0)) == "missing_vehicle_type");
  data["registration_number"] = "";
  CHECK(kit::warnings_of(migrated(data).at(0)).empty());
}

TEST_CASE("the columns of a certificate, whatever else the legacy table has") {
  migrate::Object data;
  data["surplus"] = "x";
  for (const auto& [name, value] : certificate()) data.emplace(name, value);
  auto out = migrated(data);
  REQUIRE(out.size() == 1);
  std::set<std::string> names;
  for (const auto& entry : out[0].data.as_object()) names.insert(std::string(entry.key()));
  CHECK(names == std::set<std::string>{"number", "device_id", "customer_id", "issued_by", "calibration_technician_id",
                                       "installation_technician_id", "speed_kmh", "installed_at", "calibrated_at",
                                       "expires_at", "created_at", "status", "renewed_from_id", "remarks"});
  CHECK(out[0].data.at("created_at").at("$date") == "2024-02-29T08:00:00Z");
}
