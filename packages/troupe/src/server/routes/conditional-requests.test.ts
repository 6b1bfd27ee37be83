/** Entries under the conditions of RFC 9110. */
import { afterEach, expect, it } from 'vitest'
import { Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())
const at = '/v1/context/entries/a'

it('A request for an entry that the caller has cached is answered without the entry.', async () => {
  const { call } = await servers.start()
  await call('PUT', at, { value: 1 })
  for (const known of ['"1"', 'W/"1"', '"7", "1"', '*']) {
    const found = await call('GET', at, undefined, { 'if-none-match': known })
    expect(found, known).toMatchObject({ status: 304, text: '' })
    expect(found.headers.get('etag')).toBe('"1"')
  }
  for (const other of ['"2"', '1', '"11"'])
    expect((await call('GET', at, undefined, { 'if-none-match': other })).body, other).toMatchObject({ value: 1 })
  await call('PUT', at, { value: 2 })
  expect((await call('GET', at, undefined, { 'if-none-match': '"1"' })).body).toMatchObject({ value: 2 })
  expect((await call('GET', '/v1/context/entries/none', undefined, { 'if-none-match': '*' })).status).toBe(404)
})

it('A conditional change whose condition fails is rejected, and writes nothing.', async () => {
  const { call } = await servers.start()
  await call('PUT', at, { value: 1 })
  const rejected = [
    [{ 'if-none-match': '"1"' }, {}],
    [{ 'if-match': '"1"', 'if-none-match': '*' }, {}],
    [{ 'if-match': '1' }, {}],
    [{ 'if-match': '*, "1"' }, {}],
    [{ 'if-match': '"1"' }, { ifVersion: 2 }],
    [{ 'if-none-match': '*' }, { ifVersion: 1 }],
  ] as const
  for (const [headers, body] of rejected)
    expect(await call('PUT', at, { value: 2, ...body }, headers), JSON.stringify([headers, body])).toMatchObject({
      status: 400,
      body: { code: 'request.invalid' },
    })
  expect((await call('DELETE', at, undefined, { 'if-none-match': '"1"' })).status).toBe(400)
  expect((await call('GET', at)).body).toMatchObject({ value: 1, version: 1 })
  expect((await call('PUT', at, { value: 2, ifVersion: 1 }, { 'if-match': '"1"' })).status).toBe(200)
})

it('A change with If-Match happens only if the entry has one of the strong ETags, or exists for *.', async () => {
  const { call } = await servers.start()
  const failed = { status: 412, body: { code: 'context.conflict', hint: expect.any(String) } }
  for (const method of ['PUT', 'DELETE'] as const)
    expect(await call(method, at, method === 'PUT' ? { value: 0 } : undefined, { 'if-match': '*' })).toMatchObject(
      failed,
    )
  expect((await call('GET', at)).status).toBe(404)
  await call('PUT', at, { value: 1 })
  for (const other of ['W/"1"', '"abc"', '"7", W/"1"', '"2"', '"8", "9"', `"${'1'.repeat(16)}"`])
    for (const method of ['PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? { value: 2 } : undefined
      expect(await call(method, at, body, { 'if-match': other }), `${method} ${other}`).toMatchObject(failed)
    }
  expect((await call('GET', at)).body).toMatchObject({ value: 1, version: 1 })
  expect((await call('PUT', at, { value: 2 }, { 'if-match': '*' })).status).toBe(200)
  expect((await call('PUT', at, { value: 3 }, { 'if-match': '"1", "2"' })).status).toBe(200)
  expect((await call('PUT', at, { value: 4 }, { 'if-match': 'W/"1","3"' })).status).toBe(200)
  expect((await call('DELETE', at, undefined, { 'if-match': '*' })).body).toEqual({ deleted: true })
})
