/**
 * Writes the OpenAPI document of the server, and from it the types and the table of operations of `troupe/client`; a test
 * holds the files equal to the server. The types are written here because openapi-typescript needs the compiler API of
 * TypeScript 5, which TypeScript 7 does not have.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTroupe } from '../packages/troupe/src/index.ts'
import { serve } from '../packages/troupe/src/server/index.ts'
import { type OpenApiDocument, renderOperations, renderSchema } from './openapi-types.ts'

const at = (path: string): string => fileURLToPath(new URL(`../packages/troupe/${path}`, import.meta.url))

/** The document of a server over a troupe in memory. */
export async function readOpenApi(): Promise<OpenApiDocument> {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const server = await serve(troupe, { port: 0 })
  try {
    const answer = await fetch(`${server.url}/v1/openapi.json`)
    return (await answer.json()) as OpenApiDocument
  } finally {
    await server.close()
  }
}

/** Path and text of each file. */
export const renderFiles = (document: OpenApiDocument): readonly (readonly [path: string, text: string])[] => [
  [at('openapi.json'), `${JSON.stringify(document, undefined, 2)}\n`],
  [at('src/client/generated/schema.ts'), renderSchema(document)],
  [at('src/client/generated/operation-paths.ts'), renderOperations(document)],
]

if (import.meta.main)
  for (const [path, text] of renderFiles(await readOpenApi())) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
