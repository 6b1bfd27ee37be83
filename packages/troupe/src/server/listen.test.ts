import { afterEach, expect, it } from 'vitest'
import { serve, serveMetrics } from './index.ts'
import { Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

it('A server on a port in use rejects with what to do, and leaves nothing open.', async () => {
  const { troupe, url } = await servers.start()
  const port = Number(new URL(url).port)
  const addressInUse = {
    code: 'server.address_in_use',
    details: { port, problem: 'another program listens there (EADDRINUSE)' },
  }
  await expect(serve(troupe, { port })).rejects.toMatchObject(addressInUse)
  await expect(serveMetrics(troupe, { port })).rejects.toMatchObject(addressInUse)
  await expect(serve(troupe, { port: 0, metrics: { port } })).rejects.toMatchObject(addressInUse)
  const unassignable = serve(troupe, { host: '192.0.2.1', port: 0, key: 'k'.repeat(32) })
  await expect(unassignable).rejects.toThrow('it is not an address of this machine')
  expect((await fetch(`${url}/ready`)).status).toBe(200)
})
