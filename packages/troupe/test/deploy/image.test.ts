/**
 * The image, built from its Dockerfile in a clean folder and run. Full size, with both installations and the build:
 * `npm run deploy:image`. In the suite what the tests' own setup has installed and built is not done a second time.
 */
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../postgres/cluster.ts'
import { Container, filesOutside } from './container.ts'
import { buildImage, committedFiles, contextFiles, dockerfile, type Image, workspace } from './image.ts'

const isComplete = process.env.TROUPE_TEST_IMAGE === 'whole'
const isCheckout = existsSync(join(workspace, '.git'))
if (!isCheckout) process.stderr.write('skipped: the image is built from committed files, and this is not a checkout\n')

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The tests are installed and built already. */
function prepared(command: string, workdir: string): boolean {
  if (isComplete) return false
  if (command === 'npm ci') return true
  if (!command.startsWith('node scripts/build.ts')) return false
  for (const made of ['dist', 'studio'])
    if (existsSync(join(workspace, 'packages/troupe', made)))
      cpSync(join(workspace, 'packages/troupe', made), join(workdir, 'packages/troupe', made), { recursive: true })
  return true
}

describe.skipIf(!isCheckout)('the image', () => {
  let folder: string
  let image: Image
  let container: Container
  let url: string
  const key = 'k'.repeat(32)
  const call = (path: string, body?: unknown) =>
    fetch(url + path, {
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
  const json = async (path: string, body?: unknown) => (await call(path, body)).json()
  const statusOf = (path: string) =>
    call(path).then(
      ({ status }) => status,
      () => 0,
    )

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-image-'))
    chmodSync(folder, 0o755)
    image = buildImage({ into: folder, prepared })
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    container = new Container(image, {
      TROUPE_SERVER_PORT: `${port}`,
      TROUPE_SERVER_KEY: key,
      TROUPE_ENCRYPTION_KEY: '5a'.repeat(32),
    })
  }, 600_000)
  afterAll(async () => {
    await container?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('The image serves as a non-root user on read-only files, runs a team, and drains at SIGTERM.', async () => {
    const before = filesOutside(image)
    const server = container.start(image.command)
    const ended = once(server, 'exit')
    const output: string[] = []
    for (const stream of [server.stdout, server.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
    while ((await statusOf('/ready')) !== 200) {
      expect(server.exitCode, output.join('')).toBe(null)
      await pause(200)
    }
    expect(await statusOf('/health')).toBe(200)

    const healthcheck = image.healthcheck.map((word) => word.replace(`:${image.port}`, `:${new URL(url).port}`))
    expect(await container.run(healthcheck)).toMatchObject({ code: 0 })

    const task = 'Ada leads the project. Which person leads the project?'
    const user = { 'troupe-user': 'ada' }
    const started = await fetch(`${url}/v1/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, ...user },
      body: JSON.stringify({ id: 'first', task, team: 'answer' }),
    })
    expect(await started.json()).toEqual({ run: 'first' })
    const result = await fetch(`${url}/v1/runs/first/result?wait=60s`, { headers: { 'x-api-key': key, ...user } })
    expect(await result.json()).toMatchObject({ status: 'completed', response: expect.stringContaining('Ada') })
    // Nobody without the key, nothing of a user that is not named.
    expect((await fetch(`${url}/v1/runs`)).status).toBe(401)
    expect(await json('/v1/runs')).toMatchObject({ code: expect.any(String) })

    // Of the 512Mi that a pod may have.
    if (process.platform === 'linux') {
      const [, peakKilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? []
      expect(Number(peakKilobytes)).toBeLessThan(512 * 1_024)
    }

    server.kill('SIGTERM')
    expect(await ended, output.join('')).toEqual([0, null])
    expect(await container.run(healthcheck)).not.toMatchObject({ code: 0 })
    expect(filesOutside(image)).toEqual(before)
  })

  test('The image contains what runs, and nothing of what builds.', () => {
    const there = (path: string) => existsSync(join(image.workdir, path))
    expect(
      [
        'node_modules/fastify',
        'node_modules/pg',
        'packages/troupe/dist/bundle/index.js',
        'packages/troupe/studio/index.html',
      ].filter((path) => !there(path)),
    ).toEqual([])
    const builds = ['node_modules/vitest', 'node_modules/typescript', 'node_modules/@biomejs', 'packages/troupe/src']
    expect(builds.filter(there)).toEqual([])
  })
})

test.skipIf(!isCheckout)('The build context contains every source, and no secret.', () => {
  const context = new Set(contextFiles())
  const committed = new Set(committedFiles())
  const sources = globSync('packages/*/src/**/*.{ts,tsx,css}', { cwd: workspace, exclude: ['**/*.test.ts'] })
  expect(sources.length).toBeGreaterThan(500)
  expect(sources.filter((file) => !context.has(file) && committed.has(file))).toEqual([])
  const secret = /(^|\/)(\.env|node_modules|\.git)(\/|$)|^deploy\/compose\/secrets/
  expect([...context].filter((file) => secret.test(file))).toEqual([])
})

test('The Dockerfile is valid by the rules of its language.', () => {
  const text = readFileSync(join(workspace, 'deploy/Dockerfile'), 'utf8')
  const problems = (dockerfile: string) => validate(dockerfile).map(({ message }) => message)
  expect(problems(text)).toEqual([])
  expect(problems(text.replace('EXPOSE 8000', 'EXPOSE eight'))).toHaveLength(1)
})

test('The Dockerfile uses a non-root user, without curl and secrets.', () => {
  const words = dockerfile.getInstructions().map((one) => `${one.getKeyword()} ${one.getArgumentsContent()}`)
  expect(words.filter((line) => /\bcurl\b|\bwget\b|\bsudo\b/.test(line))).toEqual([])
  const [, user = ''] =
    words
      .filter((line) => line.startsWith('USER '))
      .at(-1)
      ?.split(' ') ?? []
  expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  const base =
    dockerfile
      .getInstructions()
      .find((one) => one.getKeyword() === 'ARG')
      ?.getArgumentsContent() ?? ''
  expect(base).toMatch(/^NODE_IMAGE=node:24\.\d+\.\d+-bookworm-slim$/)
  // The figures that the guide names.
  const check = dockerfile.getHEALTHCHECKs()[0]
  const flags = check?.getFlags().map((flag) => `${flag.getName()}=${flag.getValue()}`)
  expect(flags).toEqual(['interval=30s', 'timeout=10s', 'start-period=5s', 'retries=3'])
  expect(words.filter((line) => /^(ENV|ARG) .*(KEY|PASSWORD|TOKEN|SECRET)/.test(line))).toEqual([])
})
