// graphql-eslint over the schema, with its recommended and its Relay rules, over the example operations
// and over those of the pages. From the repository's root:
//
//   tests/clients/node_modules/.bin/eslint --config tests/clients/eslint.config.mjs schema.graphql \
//       tests/clients/operations api/src/pages

import graphql from "@graphql-eslint/eslint-plugin";

const EXAMPLES = "tests/clients/operations/*.graphql";
const PAGES = "api/src/pages/**/*.graphql";

const rules = (config) => graphql.configs[`flat/${config}`].rules;

// What is worked out for a question, what is a part of a record and stands and falls with it, and what
// is said of an input: nothing of it is kept by itself, so nothing of it can be fetched by an id.
const WITHOUT_ID = {
  types: [
    "PageInfo",
    // Worked out.
    "AdjustedEstimates", "AdjustedTest", "AsOf", "Association", "Associations", "ClaimQuestion", "RateLimit", "Caution", "ComparedGroup", "Comparison", "ComparisonSummary",
    "ContingencyTable", "DisclosureControl",
    "Distribution", "DistributionBin", "EntryPointFlow", "EntryPointFlows", "Estimate", "GridCell", "GridHeading", "Homogeneity", "InitiativeChange",
    "InitiativeChanges", "Pattern", "PatternConditions", "PatternGrid", "Proportion", "PatternGroup", "QuestionCount", "UnknownReasonCount", "Suppression", "PatternSummary",
    // Parts of a record, of a history (known by what it is of and its number), of a file.
    "ChallengeFaced", "ConditionChanged", "EntryPointTaken", "MissingAnswer", "SharingConsent",
    "Revision", "ImportRow",
    // Said of an input.
    "FieldChange", "Problem",
    // Known by their codes.
    "VocabularyEntry", "Vocabulary",
  ],
  // Envelopes.
  suffixes: ["Connection", "Edge", "Payload"],
};

// Single findings that stand, by rule and definition, and why.
const NO_NODES = "its nodes cannot be fetched by an id (see WITHOUT_ID), and a page of them is asked for anew";
const EXCEPTIONS = {
  "relay-edge-types": {
    ImportRowEdge: NO_NODES,
    RevisionEdge: NO_NODES,
    PatternGroupEdge: NO_NODES,
  },
  "no-unreachable-types": {
    specifiedBy: "GraphQL's own directive, which the export names and no scalar uses",
  },
};

// The definition that a line of the schema belongs to.
function definitionAt(lines, number) {
  for (let at = number - 1; at >= 0; at -= 1) {
    const found = /^(?:type|input|enum|interface|union|scalar|directive) @?(\w+)/.exec(lines[at]);
    if (found) return found[1];
  }
  return undefined;
}

// Leaves out the exceptions, and tells of one that is not needed any more.
let lines = [];
const exceptions = {
  meta: { name: "exceptions" },
  preprocess(text) {
    lines = text.split("\n");
    return [text];
  },
  postprocess([messages]) {
    const needed = new Set();
    const left = messages.filter(({ ruleId, line }) => {
      const rule = ruleId?.replace("@graphql-eslint/", "");
      const definition = definitionAt(lines, line);
      const excepted = EXCEPTIONS[rule]?.[definition];
      if (excepted) needed.add(`${rule} ${definition}`);
      return !excepted;
    });
    const named = Object.entries(EXCEPTIONS).flatMap(([rule, of]) => Object.keys(of).map((it) => `${rule} ${it}`));
    const idle = named.filter((it) => !needed.has(it));
    const tell = (it) => ({ ruleId: "exceptions", severity: 2, line: 1, column: 1, message: `not needed any more: ${it}` });
    return [...left, ...idle.map(tell)];
  },
};

const common = {
  languageOptions: {
    parser: graphql.parser,
    parserOptions: {
      // One list, as the parser keeps the first that it is given.
      graphQLConfig: { schema: "schema.graphql", documents: [EXAMPLES, PAGES] },
    },
  },
  plugins: { "@graphql-eslint": graphql },
};

export default [
  {
    ...common,
    files: ["schema.graphql"],
    processor: exceptions,
    rules: {
      ...rules("schema-recommended"),
      ...rules("schema-relay"),
      "@graphql-eslint/strict-id-in-types": ["error", { exceptions: WITHOUT_ID }],
      // Connections are all alike, and the library that makes them gives them no description.
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          DirectiveDefinition: true,
          rootField: true,
          ignoredSelectors: ["[type=ObjectTypeDefinition][name.value=/Connection$/]"],
        },
      ],
      // Lists that are short and always whole (cautions, problems, the reasons of a challenge) are
      // lists; and `nodes` beside `edges` saves those a level who need no cursors.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: true, withEdgeSuffix: true }],
    },
  },
  {
    ...common,
    files: [EXAMPLES],
    rules: rules("operations-recommended"),
  },
  {
    ...common,
    files: [PAGES],
    rules: {
      ...rules("operations-recommended"),
      // Pages keep no cache, and a page selects only what it shows.
      "@graphql-eslint/require-selections": "off",
    },
  },
];
