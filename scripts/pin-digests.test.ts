/** Images and actions are pinned against a registry on this machine, which answers as public ones do. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { pinFiles, pinned, type Registries, referencesIn, unpinned } from './pin-digests.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const commit = '0123456789abcdef0123456789abcdef01234567'
const digest = `sha256:${'ab'.repeat(32)}`

describe('pinning by digest', () => {
  let server: Server
  let registries: Registries
  beforeAll(async () => {
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost')
      const { authorization } = request.headers
      if (url.pathname === '/token')
        return void response.end(JSON.stringify({ token: url.searchParams.get('scope')?.includes('pull') ? 't' : '' }))
      if (/^\/repos\/[\w-]+\/[\w-]+\/commits\/v\d+$/.test(url.pathname)) return void response.end(commit)
      if (!/^\/v2\/[\w/-]+\/manifests\/[\w.-]+$/.test(url.pathname) || url.pathname.includes('missing'))
        return void response.writeHead(404).end()
      if (authorization !== 'Bearer t') {
        const realm = `http://localhost:${(server.address() as AddressInfo).port}/token`
        const challenge = `Bearer realm="${realm}",service="registry",scope="repository:x:pull"`
        return void response.writeHead(401, { 'www-authenticate': challenge }).end()
      }
      response.writeHead(200, { 'docker-content-digest': digest }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    const own = `http://localhost:${(server.address() as AddressInfo).port}`
    registries = { actions: own, images: own }
  })
  afterAll(() => void server.close())

  it('The script pin-digests pins each image and action of the project to a digest beside its tag, and changes nothing else.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-pins-'))
    for (const path of ['.github', 'deploy']) cpSync(join(root, path), join(folder, path), { recursive: true })
    const before = unpinned(folder)
    expect(before.length).toBeGreaterThan(10)
    const changed = await pinFiles(folder, registries)
    expect(changed).toContain('deploy/Dockerfile')
    expect(unpinned(folder)).toEqual([])
    expect(await pinFiles(folder, registries)).toEqual([])
    for (const path of changed) {
      const text = readFileSync(join(folder, path), 'utf8')
      const plain = text.replaceAll(`@${digest}`, '').replaceAll(new RegExp(`@${commit} # (\\S+)`, 'g'), '@$1')
      expect(plain).toBe(readFileSync(join(root, path), 'utf8'))
      if (path.includes('yml') || path.includes('yaml')) parse(text)
    }
    rmSync(folder, { recursive: true })
  })
  it('The script pin-digests refreshes a pinned digest by the tag beside it.', async () => {
    const old = '9'.repeat(40)
    expect(await pinned(`- uses: actions/checkout@${old} # v4\n`, registries)).toBe(
      `- uses: actions/checkout@${commit} # v4\n`,
    )
    const image = `image: postgres:18@sha256:${'0'.repeat(64)}\n`
    expect(await pinned(image, registries)).toBe(`image: postgres:18@${digest}\n`)
  })
  it('The script pin-digests names an image that no registry has, and then changes nothing.', async () => {
    await expect(pinned('image: missing:1', registries)).rejects.toThrow('missing:1: no digest (status 404)')
    await expect(pinned('uses: a/b@main', registries)).rejects.toThrow('a/b@main: no commit')
  })
  it('The script pin-digests finds references in every form, and omits images that are built locally.', () => {
    const text =
      'uses: github/codeql/init@v3\nimage: troupe:latest\nimage: ghcr.io/a/b:1.2\nARG NODE_IMAGE=node:24-slim'
    expect(referencesIn(text).map(({ name, tag }) => `${name} ${tag}`)).toEqual([
      'github/codeql/init v3',
      'ghcr.io/a/b 1.2',
      'node 24-slim',
    ])
  })
})
