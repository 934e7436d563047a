// graphql-codegen: types of the example operations, from the schema that the repository holds.

import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["operations/*.graphql"],
  generates: { "generated/operations/": { preset: "client" } },
  emitLegacyCommonJSImports: false,
  config: {
    enumsAsTypes: true,
    useTypeImports: true,
    // A scalar that nobody has given a type is told, rather than taken for anything.
    strictScalars: true,
    scalars: { BigInt: "number", DateTime: "string", JSON: "unknown", Date: "string", Upload: "File" },
  },
};

export default config;
