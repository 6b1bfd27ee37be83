import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const guard = join(import.meta.dirname, 'require-node.mjs')

/** The guard run as another Node on another machine would run it. */
const runAs = (node: string, platform: string, arch: string) => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { node: '${node}' } })
    Object.defineProperty(process, 'platform', { value: '${platform}' })
    Object.defineProperty(process, 'arch', { value: '${arch}' })`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, guard],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

test('The check of Node passes Node 24 and newer silently.', () => {
  expect(runAs('24.0.0', 'linux', 'x64')).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(runAs('26.1.0', 'darwin', 'arm64')).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('The check of Node refers an older Node to npm if npm brings the right one.', () => {
  const { status, stderr } = runAs('20.20.2', 'linux', 'x64')
  expect(status).toBe(2)
  expect(stderr).toMatch(/^Troupe needs Node 24 or newer, and this is Node 20\.20\.2\. Run "npm ci" first.*\n$/)
})

test('The check of Node asks for an installation of Node 24 elsewhere.', () => {
  const { status, stderr } = runAs('22.1.0', 'darwin', 'arm64')
  expect(status).toBe(2)
  expect(stderr).toContain('npm brings none for darwin-arm64: install Node 24 or newer')
})

test('The scripts start, build, test and check require the right Node first.', () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
  for (const name of ['start', 'build', 'test', 'check'])
    expect(scripts[name]).toMatch(/^node scripts\/require-node\.mjs && /)
})
