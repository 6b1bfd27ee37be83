/** Raw requests: packed bodies, other methods by a header, files beside the page, foreign hosts and hidden second requests. */
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Trial } from '../trial.ts'
import { serveAgents } from './serve-agents.ts'

const raw = (url: string, bytes: string, forMs = 600) =>
  new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', () => resolve(text))
    socket.write(bytes)
    setTimeout(() => socket.destroy(), forMs)
  })

const paths = [
  '/../package.json',
  '/..%2fpackage.json',
  '/assets/../../package.json',
  '/assets/..%5c..%5cpackage.json',
  '/assets/%2e%2e%2f%2e%2e%2fpackage.json',
  '/.digest',
  '/assets/%00',
  '/..;/package.json',
  '//etc/passwd',
  '/%252e%252e/package.json',
  '/assets/....//package.json',
  '/\\..\\package.json',
  '/.git/config',
]
const hosts = [
  'evil.test',
  'localhost.evil.test',
  '127.0.0.1.nip.io',
  'localhost:x',
  'localhost@evil.test',
  'evil.test#localhost',
  '',
  'localhost, evil.test',
  '2130706433',
  '127.1',
]
const framings = [
  'Content-Length: 4\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Content-Length: 4\r\nContent-Length: 5',
  'Content-Length: +4',
  'Content-Length: 0x4',
  'Transfer-Encoding: \x0bchunked',
  'X: a\nTransfer-Encoding: chunked',
]
const overrides = ['x-http-method-override', 'x-method-override', 'x-http-method']

export const hostileHttp: Trial = async ({ storage, check }) => {
  await serveAgents({ storage: storage() }, async ({ troupe, url, caller }) => {
    const { request, key } = await caller({ role: 'admin' })
    await troupe.user('ada').context.push('kept', 1)
    for (const name of overrides)
      for (const path of ['/v1/context/entries', '/v1/context/entries?_method=DELETE'])
        await request('GET', path, undefined, { [name]: 'DELETE' })
    check('a header changes no method', (await troupe.user('ada').context.get('kept')) === 1)
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const body = gzipSync(Buffer.alloc(50_000_000, 32))
    const { status } = await fetch(`${url}/v1/runs`, { method: 'POST', headers, body })
    check('a packed body is not unpacked', status >= 400 && status < 500, status)
    const get = (path: string, host: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`
    for (const path of paths) {
      const text = await raw(url, `${get(path, 'localhost')}Connection: close\r\n\r\n`)
      check(`no file by ${path}`, text !== '' && !/"dependencies"|root:x:0|\[core\]/.test(text), text.slice(0, 200))
    }
    for (const host of hosts) {
      const text = await raw(url, `${get('/health', host)}Connection: close\r\n\r\n`)
      check(`no answer to the host ${host}`, text !== '' && !/^HTTP\/1\.1 200/.test(text), text.slice(0, 200))
    }
    for (const framing of framings) {
      const hidden = `POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n0\r\n\r\n${get('/health', 'localhost')}\r\n`
      const answers: readonly string[] = (await raw(url, hidden)).match(/HTTP\/1\.1 \d+/g) ?? []
      check(`no second request behind ${JSON.stringify(framing)}`, !answers.includes('HTTP/1.1 200'), answers)
    }
  })
}
