import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createOpenApi, renderFiles } from './openapi.ts'
import { type OpenApiDocument, renderSchema } from './openapi-types.ts'

const root = resolve(import.meta.dirname, '..')

describe('files generated from the OpenAPI document', () => {
  let document: OpenApiDocument
  beforeAll(async () => {
    document = await createOpenApi()
  })

  it('The generated files of the client are those of the server: node scripts/openapi.ts writes them.', () => {
    for (const [path, text] of renderFiles(document)) expect(readFileSync(path, 'utf8') === text, path).toBe(true)
  })

  it('The studio does not compile once the document names a field otherwise that it shows.', () => {
    const renamed = JSON.parse(JSON.stringify(document))
    const { RunSummary } = renamed.components.schemas
    RunSummary.properties.heading = RunSummary.properties.title
    delete RunSummary.properties.title
    expect(compile(document)).toBe('')
    expect(compile(renamed)).toContain("Property 'title' does not exist")
  })
})

/**
 * Returns the compiler's errors in the studio with the client of a document. The library is read from its sources, since it may
 * not be built; they have a check of their own, without the types of a browser.
 */
function compile(document: OpenApiDocument): string {
  const folder = join(root, 'node_modules/.cache/openapi')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'generated'), { recursive: true })
  writeFileSync(join(folder, 'generated/schema.ts'), renderSchema(document))
  cpSync(join(root, 'packages/troupe/src/client/client.ts'), join(folder, 'client.ts'))
  const index = `export type * from './client.ts'
export type * from './generated/schema.ts'
import type { Client } from './client.ts'
export declare function createClient(options?: object): Client
export declare function markApprovalText(text: string): string
export declare function formatApprovalArguments(args: unknown): string
`
  writeFileSync(join(folder, 'index.ts'), index)
  const settings = {
    extends: '../../../packages/studio/tsconfig.json',
    compilerOptions: { paths: { 'troupe/client': ['./index.ts'], troupe: ['../../../packages/troupe/src/index.ts'] } },
    include: ['../../../packages/studio/src'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  // The second compilation checks only what depends on the changed document.
  const options = ['--checkers', '1', '--incremental', '--tsBuildInfoFile', `${folder}.tsbuildinfo`]
  const output = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false', ...options], {
    cwd: root,
  }).stdout.toString()
  return output
    .split('\n')
    .filter((line) => line.startsWith('packages/studio/'))
    .join('\n')
}
