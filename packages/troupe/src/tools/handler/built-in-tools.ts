/**
 * The built-in tools as tools of an agent's definition: durable tools on the clients of its step, so that their writes
 * are staged and commit with the turn. The agent's role, `allow` and `deny` apply.
 */
import { isAllowed, isToolContext } from '../../context/index.ts'
import { failure, type Ids, nearestOf, show } from '../../core/index.ts'
import { type BuiltInTool, builtInToolNames as names } from '../../security/index.ts'
import { defineTool, type Tool } from '../define-tool.ts'
import type { StepContext } from '../step-context.ts'
import { toolSchema } from './callable-tools.ts'
import { executeToolCall, specs } from './execute-tool-call.ts'

/** Tools for handlers only: a step gets its messages from its run and has no mailbox. */
const ofHandlersAlone: readonly BuiltInTool[] = ['get_messages_from_agents']
const ofSteps = names.filter((name) => !ofHandlersAlone.includes(name))

/**
 * @param wanted the names of the tools; by default all tools that a step can have
 * @throws ValidationError for a name that is none of them
 * @example
 * const support = new LlmAgent({ name: 'Support', model, tools: { search, ...builtInTools('get_context', 'push_context') } })
 */
export function builtInTools(...wanted: readonly BuiltInTool[]): Readonly<Record<string, Tool>> {
  const chosen = wanted.length === 0 ? ofSteps : wanted
  return Object.fromEntries(chosen.map((name) => [name, toolOf(name, chosen)]))
}

function toolOf(name: BuiltInTool, available: readonly BuiltInTool[]): Tool {
  const spec = specs.get(name)
  if (!spec || !ofSteps.includes(name))
    throw failure('tool.unknown', { tool: show(name), nearest: nearestOf(show(name), ofSteps, 'docs/tools.md') })
  const { description, parameters, security } = spec
  const tool = defineTool({
    name,
    description,
    inputSchema: toolSchema(parameters),
    durable: true,
    execute: (args, { ctx }) => {
      const { agent, context, messages } = ctx
      const clients = { agent, context, messages, ids: idsOf(ctx) }
      const may = (tool: BuiltInTool) => !isToolContext(context) || context[isAllowed](tool)
      const granted = () => available.filter(may)
      return executeToolCall({ clients, available: granted, authorize() {}, impersonated() {}, ends }, name, args)
    },
  })
  return Object.freeze({ ...tool, security })
}

/** Codes of errors that end the step, because a model cannot correct them. */
const ends = (code: string) => /^(budget|code|effect|guard|invariant|journal|step|storage|troupe|turn)\./.test(code)

/** Derives ids from the recorded random numbers of the step, so that a replay gives the same ids. */
const idsOf = (ctx: StepContext): Ids => ({ next: () => ctx.random().toString(36).slice(2) })
