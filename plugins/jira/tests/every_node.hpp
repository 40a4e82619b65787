// A document of all nodes that the stand-in takes.
#pragma once

#include <string_view>

namespace jira_tests {

inline constexpr std::string_view every_node = R"({"type":"doc","version":1,"content":[
 {"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph","content":[{"type":"text","text":"Imported"}]}]},
 {"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"Head"}]},
 {"type":"paragraph","content":[{"type":"text","text":"It "},{"type":"text","text":"beeps","marks":[{"type":"strong"},{"type":"em"}]},
   {"type":"hardBreak"},{"type":"text","text":"see","marks":[{"type":"link","attrs":{"href":"https://x.test/a?b=1"}}]},
   {"type":"text","text":"x","marks":[{"type":"code"},{"type":"link","attrs":{"href":"https://x.test"}}]},
   {"type":"text","text":"2","marks":[{"type":"subsup","attrs":{"type":"sup"}}]},
   {"type":"text","text":"red","marks":[{"type":"textColor","attrs":{"color":"#ff0000"}}]},
   {"type":"mention","attrs":{"id":"5b10","text":"@Lea"}},{"type":"emoji","attrs":{"shortName":":smile:"}},
   {"type":"date","attrs":{"timestamp":"1706691600000"}},{"type":"status","attrs":{"text":"DONE","color":"green"}},
   {"type":"inlineCard","attrs":{"url":"https://x.test"}}]},
 {"type":"paragraph","content":[]},
 {"type":"paragraph"},
 {"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"one"}]},
   {"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"in"}]}]}]}]}]},
 {"type":"codeBlock","attrs":{"language":"text"},"content":[{"type":"text","text":"line1\nline2"}]},
 {"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"quoted"}]}]},
 {"type":"rule"},
 {"type":"expand","attrs":{"title":"more"},"content":[{"type":"paragraph","content":[{"type":"text","text":"hidden"}]}]},
 {"type":"taskList","attrs":{"localId":"l"},"content":[{"type":"taskItem","attrs":{"localId":"i","state":"DONE"},"content":[{"type":"text","text":"t"}]}]},
 {"type":"decisionList","attrs":{"localId":"l"},"content":[{"type":"decisionItem","attrs":{"localId":"i","state":"DECIDED"}}]},
 {"type":"blockCard","attrs":{"url":"https://x.test"}},
 {"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"external","url":"https://x.test/a.png"}}]},
 {"type":"table","attrs":{"isNumberColumnEnabled":false,"layout":"default"},"content":[{"type":"tableRow","content":[
   {"type":"tableHeader","attrs":{"colspan":1,"colwidth":[100]},"content":[{"type":"paragraph","content":[{"type":"text","text":"k"}]}]},
   {"type":"tableCell","content":[{"type":"paragraph","content":[]},{"type":"nestedExpand","attrs":{"title":""},"content":[{"type":"paragraph"}]}]}]}]}
]})";

}  // namespace jira_tests
