/** Routes that execute one recorded tool call again, with edited arguments. */
import { z } from 'zod'
import type { Json } from '../../../core/index.ts'
import { callRecordedTool, planToolCall } from '../../../runs/index.ts'
import { answers } from '../../route.ts'
import { json, requestText, requiredField, withoutUndefined } from '../../schemas/request-schemas.ts'
import { approvalSchema } from '../agent-route.ts'

const pathParams = z.object({ run: requestText.id, step: requestText.id })
const call = z.string().max(1_000).describe('The id of a call of a tool, as runs.calls lists it.')

export const toolCallRoutes = [
  answers({
    route: 'POST /v1/runs/:run/steps/:step/tool-call-plan',
    name: 'runs.planToolCall',
    operation: 'runs.call-tool',
    role: 'moderator',
    isRead: true,
    summary: 'Show the arguments of a recorded tool call, and whether other arguments fit the tool; calls nothing.',
    params: pathParams,
    body: z.strictObject({ call, args: json.optional() }),
    answer: z.object({
      agent: z.string(),
      tool: z.string(),
      description: z.string(),
      parameters: z.record(z.string(), json).describe('The JSON Schema of the arguments.'),
      effect: z.string(),
      approval: approvalSchema,
      args: json.describe('The recorded arguments.'),
      problem: z.string().optional().describe('Why the given arguments are rejected; absent if they fit.'),
      isRepeat: z.boolean().describe('True if the recorded call of class at-most-once happened or may have happened.'),
    }),
    handle: async ({ parts, user, params, body }) => {
      const { tool, problem, ...found } = await planToolCall(parts.runs.orchestra, user, { ...params, ...body })
      const { name, description, parameters, effect } = tool
      return {
        ...found,
        ...withoutUndefined({ problem }),
        ...{ tool: name, description, parameters, effect },
      }
    },
  }),
  answers({
    route: 'POST /v1/runs/:run/steps/:step/tool-call',
    name: 'runs.callTool',
    operation: 'runs.call-tool',
    role: 'moderator',
    summary:
      'Execute a recorded tool call with edited arguments, as a run of one step; `repeat` allows it to repeat an at-most-once effect.',
    params: pathParams,
    body: z.strictObject({
      call,
      args: json,
      id: requestText.name.optional().describe('A call with the id of an existing run returns that run.'),
      repeat: z.boolean().optional(),
    }),
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async ({ parts, user, params, body, idempotencyId, setHeader }) => {
      const { call: recorded, id = idempotencyId, repeat } = body
      const reference = { ...params, call: recorded }
      const options = { args: requiredField(body, 'args') as Json, ...withoutUndefined({ id, repeat }) }
      const run = await callRecordedTool(parts.runs.orchestra, user, reference, options)
      setHeader('location', `/v1/runs/${encodeURIComponent(run)}`)
      return { run }
    },
  }),
]
