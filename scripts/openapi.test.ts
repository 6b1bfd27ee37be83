import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readOpenApi, renderFiles } from './openapi.ts'
import { type OpenApiDocument, renderSchema } from './openapi-types.ts'

const root = resolve(import.meta.dirname, '..')

describe('The files that are made from the OpenAPI document', () => {
  let document: OpenApiDocument
  beforeAll(async () => {
    document = await readOpenApi()
  })

  it('The generated files of the client are those of the server: node scripts/openapi.ts writes them.', () => {
    for (const [path, text] of renderFiles(document)) expect(readFileSync(path, 'utf8') === text, path).toBe(true)
  })

  it('A program that reads a field does not compile once the document names the field otherwise.', () => {
    const renamed = JSON.parse(JSON.stringify(document))
    const { RunSummary } = renamed.components.schemas
    RunSummary.properties.heading = RunSummary.properties.title
    delete RunSummary.properties.title
    expect(compile(document)).toBe('')
    expect(compile(renamed)).toContain("Property 'title' does not exist")
  })
})

/** What the compiler says of a program that reads `title`. */
function compile(document: OpenApiDocument): string {
  const folder = join(root, 'node_modules/.cache/openapi')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'schema.ts'), renderSchema(document))
  const program =
    "import type { ClientOperations } from './schema.ts'\n\nexport const titles = ({ items }: ClientOperations['runs.list']['answer']) =>\n  items.map((item) => item.title)\n"
  writeFileSync(join(folder, 'program.ts'), program)
  const settings = { extends: '../../../tsconfig.base.json', compilerOptions: { noEmit: true }, files: ['program.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  return spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).stdout.toString()
}
