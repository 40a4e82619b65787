#include "names.hpp"

namespace certificates {
namespace {

constexpr const char* first_names[] = {
    "Mohammed", "Ahmed",        "Ali",    "Omar",   "Khalid", "Yousef", "Ibrahim", "Hassan", "Rashid", "Saeed",
    "Fatima",   "Aisha",        "Mariam", "Noura",  "Rajesh", "Sunil",  "Anil",    "Vijay",  "Suresh", "Priya",
    "John",     "Andr\xC3\xA9", "Pedro",  "Joseph", "Bilal",  "Imran",  "Tariq",   "Zubair", "Farhan", "Nasser"};
constexpr const char* last_names[] = {"Al Mansoori", "Khan",     "Al Suwaidi", "Kumar",   "Nair",
                                      "Al Shamsi",   "Hussain",  "Al Ketbi",   "Sharma",  "Fernandes",
                                      "Siddiqui",    "Pillai",   "Al Nuaimi",  "Thomas",  "Mathew",
                                      "Rahman",      "Chaudhry", "Santos",     "O'Brien", "Al-Zaabi"};
constexpr const char* arabic_names[] = {"محمد أحمد",     "خالد عبد الله", "سعيد المنصوري", "يوسف الهاشمي",
                                        "فاطمة الزهراء", "راشد الكتبي",   "نورة السويدي",  "عمر الشامسي"};
constexpr const char* company_words[] = {"Gulf",  "Emirates", "Desert",  "Falcon", "Al Noor", "Oasis",
                                         "Union", "Pearl",    "Horizon", "Dunes",  "Al Safa", "Jebel Ali"};
constexpr const char* company_kinds[] = {"Transport LLC", "Logistics", "Rent a Car",      "Contracting L.L.C.",
                                         "Trading Est.",  "Bus Lines", "Heavy Equipment", "School Transport & Co."};
constexpr const char* cities[] = {"Dubai",    "Abu Dhabi", "Sharjah",        "Ajman",  "Al Ain",
                                  "Fujairah", "دبي",       "Ras Al Khaimah", "أبوظبي", "Umm Al Quwain"};
constexpr const char* vehicles[] = {"Toyota Hiace",
                                    "Mitsubishi Canter",
                                    "Ashok Leyland Falcon",
                                    "Nissan Urvan",
                                    "MAN TGS 33.400",
                                    "Mercedes-Benz Actros",
                                    "Isuzu NPR",
                                    "Tata LPT 1618",
                                    "Hino 300 Series",
                                    "Volvo FH16",
                                    "Hiace",
                                    "Scania",
                                    "Toyota Land Cruiser",
                                    "هيونداي كاونتي",
                                    "Ford Transit 350"};

template <std::size_t N>
constexpr std::int64_t length(const char* const (&)[N]) {
  return static_cast<std::int64_t>(N);
}

}  // namespace

std::string person_name(Random& random) {
  if (random.chance(120'000)) return random.pick(arabic_names);
  return std::string(random.pick(first_names)) + " " + random.pick(last_names);
}

std::string company_name(Random& random) {
  return std::string(random.pick(company_words)) + " " + random.pick(company_kinds);
}

std::string city_name(Random& random) { return random.pick(cities); }

std::string vehicle_type(Random& random) { return random.pick(vehicles); }

std::string ecu_number(std::int64_t index) {
  std::string digits = std::to_string(1'000'000 + index * 7);
  static constexpr char letters[] = "ABCDEFGHKLMNPRSTVWXZ";
  const char letter = letters[static_cast<std::size_t>(index % 20)];
  return std::string("SL-") + letter + digits;
}

std::string technician_name(std::int64_t index) {
  // Every 15th has an Arabic name, told apart by an initial; the others have a middle initial from the 600th on.
  if (index % 15 == 14) {
    const std::int64_t which = index / 15;
    std::string name = arabic_names[which % length(arabic_names)];
    if (which >= length(arabic_names)) name += " " + std::to_string(which / length(arabic_names));
    return name;
  }
  const std::int64_t first = index % length(first_names);
  const std::int64_t last = (index / length(first_names)) % length(last_names);
  const std::int64_t round = index / (length(first_names) * length(last_names));
  std::string name = first_names[first];
  const std::int64_t initial = round * 8 + (index % 3 == 0 ? index % 7 + 1 : 0);
  if (initial > 0) name += std::string(" ") + static_cast<char>('A' + initial % 26);
  return name + " " + last_names[last];
}

}  // namespace certificates
