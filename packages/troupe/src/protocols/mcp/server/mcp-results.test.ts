import * as sdk from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { failure, systemClock } from '../../../core/index.ts'
import { countMacrotasks } from '../../../core/time/count-macrotasks.test.fixture.ts'
import type { Log } from '../../../observability/index.ts'
import type { McpCaller } from './mcp-identity.ts'
import { mcpErrorResult, mcpToolResult, protocolError } from './mcp-results.ts'

const logged: unknown[] = []
const log = { error: (_: string, fields: unknown) => logged.push(fields) } as unknown as Log
const inside = failure('storage.io', { path: '/srv/ada/troupe.db', problem: 'disk of ada' })

describe('failures over MCP', () => {
  it('A failure over MCP reveals nothing of the internals, in a tool call and elsewhere.', () => {
    for (const thrown of [inside, new Error('connect 10.0.0.7 as ada')]) {
      expect(JSON.stringify(mcpErrorResult(thrown, log))).not.toMatch(/ada|10\.0/)
      const error = protocolError(sdk, thrown, log)
      expect(error).toMatchObject({ code: sdk.ProtocolErrorCode.InternalError })
      expect(error.message).not.toMatch(/ada|10\.0/)
    }
    expect(logged).toHaveLength(2)
  })

  it("A failure over MCP is reported as the client's mistake if it is one.", () => {
    const wrong = protocolError(sdk, failure('cursor.invalid'), log)
    expect(wrong).toMatchObject({ code: sdk.ProtocolErrorCode.InvalidParams })
    const missing = new sdk.ResourceNotFoundError('troupe://context/a')
    expect(protocolError(sdk, missing, log)).toBe(missing)
  })
})

it('The text of a long result over MCP is written between other work.', async () => {
  const caller = { parts: { platform: { clock: systemClock } } } as McpCaller
  const value = { rows: Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id} of a table` })) }
  const { result, macrotasks } = await countMacrotasks(() => mcpToolResult(caller, value, 'It'))
  expect(result).toEqual({ content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value })
  expect(macrotasks).toBeGreaterThan(0)
})
