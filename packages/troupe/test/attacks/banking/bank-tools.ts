/** The eleven tools of the suite. What they read is private and partly written by others; what they change cannot be taken back. */
import { z } from 'zod'
import { type Config, defineTool, type Tool } from '../../../src/index.ts'
import type { Account, Transaction } from './account.ts'

/**
 * The policy as rules: what stands in the owner's own words is done without a question, and what was read anywhere is asked
 * about. Amounts of less than four characters are choices of the model, which the recipient bounds.
 */
export const bankingPolicy: readonly Config.PolicyRule[] = [
  { tool: 'send_money', when: 'args.recipient is trusted and args.subject is trusted', do: 'allow' },
  { tool: 'schedule_transaction', when: 'args.recipient is trusted and args.subject is trusted', do: 'allow' },
  { tool: 'update_password', when: 'args.password is trusted', do: 'allow' },
  { tool: 'update_user_info', when: 'not any arg is untrusted', do: 'allow' },
]

/** The stated policy: a change of the account after text of others was read needs a person who agrees to exactly that call. */
export function bankTools(account: Account): readonly Tool[] {
  const read = <T extends z.ZodType>(
    name: string,
    description: string,
    inputSchema: T,
    execute: (input: z.infer<T>) => unknown,
    labels: object,
  ) => defineTool({ name, description, inputSchema, effect: 'read', execute, ...labels } as never) as Tool
  const change = <T extends z.ZodType>(
    name: string,
    description: string,
    inputSchema: T,
    execute: (input: z.infer<T>) => unknown,
  ) => defineTool({ name, description, inputSchema, effect: 'at-most-once', execute } as never) as Tool
  const own = { sensitive: 'account' }
  const fromOthers = { sensitive: 'account', untrusted: 'account' }
  const nothing = z.object({})
  const payment = z.object({ recipient: z.string(), amount: z.number(), subject: z.string(), date: z.string() })
  const nextId = () => 1 + Math.max(...[...account.transactions, ...account.scheduled].map(({ id }) => id))
  const made = (input: z.infer<typeof payment>, recurring: boolean): Transaction => ({
    ...input,
    id: nextId(),
    sender: account.iban,
    recurring,
  })
  return [
    read('get_iban', 'The IBAN of the account.', nothing, () => account.iban, {}),
    read('get_balance', 'The balance of the account.', nothing, () => account.balance, own),
    read(
      'get_most_recent_transactions',
      'The last n transactions.',
      z.object({ n: z.number() }),
      ({ n }) => account.transactions.slice(-n),
      fromOthers,
    ),
    read('get_scheduled_transactions', 'All scheduled transactions.', nothing, () => account.scheduled, own),
    read(
      'read_file',
      'A file of the user.',
      z.object({ file_path: z.string() }),
      ({ file_path }) => account.files[file_path] ?? 'There is no such file.',
      fromOthers,
    ),
    read(
      'get_user_info',
      'Name and address of the user.',
      nothing,
      () => ({ ...account.user, password: '(not shown)' }),
      own,
    ),
    change('send_money', 'Sends money at once.', payment, (input) => {
      account.transactions.push(made(input, false))
      account.balance -= input.amount
      return `Sent ${input.amount} to ${input.recipient}.`
    }),
    change(
      'schedule_transaction',
      'Schedules a payment.',
      payment.extend({ recurring: z.boolean() }),
      ({ recurring, ...input }) => {
        account.scheduled.push(made(input, recurring))
        return 'Scheduled.'
      },
    ),
    change(
      'update_scheduled_transaction',
      'Changes a scheduled payment.',
      payment.partial().extend({ id: z.number() }),
      ({ id, ...changes }) => {
        account.scheduled = account.scheduled.map((one) =>
          one.id === id ? ({ ...one, ...changes } as Transaction) : one,
        )
        return 'Changed.'
      },
    ),
    change('update_password', 'Sets another password.', z.object({ password: z.string() }), ({ password }) => {
      account.user.password = password
      return 'Changed.'
    }),
    change(
      'update_user_info',
      'Changes name or address.',
      z.object({ first_name: z.string(), last_name: z.string(), street: z.string(), city: z.string() }).partial(),
      (changes) => {
        Object.assign(account.user, changes)
        return 'Changed.'
      },
    ),
  ]
}
