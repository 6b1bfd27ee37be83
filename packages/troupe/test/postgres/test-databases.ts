/** Where tests of a room open it. */
import { afterAll } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

/** Memory, and a schema on PostgreSQL where a server answers. To be called once in a file of tests, by whose name it is. */
export async function testStorages(
  name: string,
): Promise<readonly { readonly url?: string; readonly schema?: string }[]> {
  if ((await missingServer()) !== undefined) return [{}]
  const schema = schemaName(name)
  afterAll(() => dropSchema(schema))
  return [{}, { url: server, schema }]
}
