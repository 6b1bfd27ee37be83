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

test('Node 24 and newer pass silently', () => {
  expect(runAs('24.0.0', 'linux', 'x64')).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(runAs('26.1.0', 'darwin', 'arm64')).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('an older Node where npm brings the right one is told to go through npm', () => {
  const { status, stderr } = runAs('20.20.2', 'linux', 'x64')
  expect(status).toBe(2)
  expect(stderr).toMatch(/^Troupe needs Node 24 or newer, and this is Node 20\.20\.2\. Run "npm ci" first.*\n$/)
})

test('an older Node elsewhere is asked to install Node 24', () => {
  const { status, stderr } = runAs('22.1.0', 'darwin', 'arm64')
  expect(status).toBe(2)
  expect(stderr).toContain('npm brings none for darwin-arm64: install Node 24 or newer')
})

test('start, build, test and check ask for the right Node before anything else', () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
  for (const name of ['start', 'build', 'test', 'check'])
    expect(scripts[name]).toMatch(/^node scripts\/require-node\.mjs && /)
})
