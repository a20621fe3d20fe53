// Reads and writes every kind of message, to be compared with other languages:
// `node dist/conformance.js INPUT_DIR OUTPUT_DIR`.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescFile,
  type JsonValue,
  type Registry,
} from "@bufbuild/protobuf";
import { writeJson } from "./json_text.js";

/** All message types of the package, from the descriptors in the generated modules. */
async function loadRegistry(): Promise<Registry> {
  const folder = new URL("./gen/longwire/v1/", import.meta.url);
  const files: DescFile[] = [];
  for (const name of readdirSync(folder).filter((each) => each.endsWith("_pb.js"))) {
    const module = (await import(new URL(name, folder).href)) as Record<string, unknown>;
    files.push(module[`file_longwire_v1_${name.replace("_pb.js", "")}`] as DescFile);
  }
  return createRegistry(...files);
}

function convert(name: string, input: string, output: string, registry: Registry): void {
  const schema = registry.getMessage(`longwire.v1.${name.split(".")[0] ?? ""}`);
  if (schema === undefined) throw new Error(`${name}.binpb: longwire.v1 has no such message`);
  const message = fromBinary(schema, readFileSync(join(input, `${name}.binpb`)));
  writeFileSync(join(output, `${name}.binpb`), toBinary(schema, message));
  const json = toJson(schema, message, { useProtoFieldName: true, registry });
  writeFileSync(join(output, `${name}.json`), writeJson(json));
  const jsonPath = join(input, `${name}.json`);
  if (existsSync(jsonPath)) {
    const value = JSON.parse(readFileSync(jsonPath, "utf8")) as JsonValue;
    const parsed = fromJson(schema, value, { registry });
    writeFileSync(join(output, `${name}.from_json.binpb`), toBinary(schema, parsed));
  }
}

async function main(): Promise<number> {
  const [input, output, ...more] = process.argv.slice(2);
  if (input === undefined || output === undefined || more.length > 0) {
    process.stderr.write("error: write two folders: INPUT_DIR OUTPUT_DIR\n");
    return 2;
  }
  const registry = await loadRegistry();
  mkdirSync(output, { recursive: true });
  for (const file of readdirSync(input).filter((each) => each.endsWith(".binpb"))) {
    convert(file.slice(0, -".binpb".length), input, output, registry);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
