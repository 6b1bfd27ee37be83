import { expect, it } from 'vitest'
import { serveArguments } from './develop.ts'

it('The server of `troupe dev` gets every global flag that `troupe serve` reads.', () => {
  const flags = { config: 'c.ts', storage: 'memory:', profile: 'test', teamFile: 'team.yaml', user: 'ada' }
  expect(serveArguments({ ...flags, json: true }, ['--port', '0'])).toEqual([
    ...['serve', '--port', '0', '--config', 'c.ts', '--storage', 'memory:', '--profile', 'test'],
    ...['--team-file', 'team.yaml', '--json'],
  ])
  expect(serveArguments({ debug: true }, [])).toEqual(['serve', '--debug'])
})
