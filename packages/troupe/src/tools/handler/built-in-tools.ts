/**
 * The built-in tools as tools of an agent's definition: bodies on the hands of its step, so that what they write is staged
 * and commits with the turn. The agent's role, allow and deny hold.
 */
import { isAllowed, isToolContext } from '../../context/index.ts'
import { failure, type Ids, nearest, show } from '../../core/index.ts'
import { type BuiltInTool, builtInToolNames as names } from '../../security/index.ts'
import { defineTool, type Tool } from '../define-tool.ts'
import type { StepContext } from '../step-context.ts'
import { toolSchema } from './callable-tools.ts'
import { executeToolCall, specs } from './execute-tool-call.ts'

/** A step is given its messages by its run: it has no mailbox of its own to read. */
const ofHandlersAlone: readonly BuiltInTool[] = ['get_messages_from_agents']
const ofSteps = names.filter((name) => !ofHandlersAlone.includes(name))

/**
 * @param wanted by name; all that a step can have when none is named
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
    throw failure('tool.unknown', { tool: show(name), nearest: nearest(show(name), ofSteps) ?? ofSteps.join(', ') })
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

/** These are the step's: a model can do nothing about them. */
const ends = (code: string) => /^(budget|code|effect|guard|invariant|journal|step|storage|troupe|turn)\./.test(code)

/** From the step's recorded chance, so that a step entered again gives the same names. */
const idsOf = (ctx: StepContext): Ids => ({ next: () => ctx.random().toString(36).slice(2) })
