/**
 * Writes the OpenAPI 3.1 document of the server from the schemas that check requests and answers, and from the document the
 * types and the table of operations of `troupe/client`; a test holds the files equal to the server. The types are written
 * here because openapi-typescript needs the compiler API of TypeScript 5, which TypeScript 7 does not have.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import fastify from 'fastify'
import { jsonSchemaTransform as transform } from 'fastify-type-provider-zod'
import { createTroupe } from '../packages/troupe/src/index.ts'
import { troupePlugin } from '../packages/troupe/src/server/index.ts'
import { components } from './openapi-components.ts'
import { type OpenApiDocument, renderOperations, renderSchema } from './openapi-types.ts'
import { shareSchemas } from './share-schemas.ts'

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>

const at = (path: string): string => fileURLToPath(new URL(`../packages/troupe/${path}`, import.meta.url))

const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Troupe',
    description:
      'Runs, context and messages of a troupe. The headers `troupe-user` and `troupe-agent` name the user and the agent of a call.',
    version: '1',
  },
  components: { securitySchemes: { key: { type: 'http' as const, scheme: 'bearer' } } },
}

/** The document of a server over a troupe in memory. */
export async function createOpenApi(): Promise<OpenApiDocument> {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  await using app = fastify({ routerOptions: { maxParamLength: 4_096 } })
  const shared = shareSchemas(components, (schema) => {
    const { schema: found } = transform({
      schema: { response: { 200: schema } },
      url: '',
      route: { method: 'GET', url: '', handler: () => undefined },
      openapiObject: openapi,
    } as Parameters<Transform>[0])
    return (found as { readonly response: Readonly<Record<string, object>> }).response['200'] as object
  })
  await app.register(swagger, {
    openapi: { ...openapi, components: { ...openapi.components, schemas: shared.schemas } },
    transform: (input) => {
      const { schema, url } = transform(input)
      const { response } = schema as { readonly response?: object }
      return { url, schema: response ? { ...schema, response: shared.replaceIn(response) } : schema }
    },
  })
  await app.register(troupePlugin, { troupe })
  await app.ready()
  return app.swagger() as unknown as OpenApiDocument
}

/** Path and text of each file. */
export const renderFiles = (document: OpenApiDocument): readonly (readonly [path: string, text: string])[] => [
  [at('openapi.json'), `${JSON.stringify(document, undefined, 2)}\n`],
  [at('src/client/generated/schema.ts'), renderSchema(document)],
  [at('src/client/generated/operation-paths.ts'), renderOperations(document)],
]

if (import.meta.main)
  for (const [path, text] of renderFiles(await createOpenApi())) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
