/**
 * Words that people use for the same thing in questions and in documents. A related word counts for less than the word
 * itself. The groups are everyday English of offices and software; they name no document.
 */
import { termOf } from './terms.ts'

const groups = `
delete remove drop erase discard
add insert append
create make generate build
start begin launch boot
stop end halt terminate quit shutdown
enable activate
disable deactivate
allow permit authorise
forbid prohibit deny disallow reject
change modify alter update edit
show display print view
hide mask redact conceal censor
find locate search lookup
choose select pick
send transmit submit deliver
receive accept
fetch retrieve download load
save store persist
keep retain store
buy purchase order
pay payment
price cost fee charge tariff
salary wage pay
money amount sum euro dollar
cheap inexpensive discount
error failure exception fault problem
fail crash break
fix repair solve resolve
broken defective faulty
test verify check validate
ensure guarantee
fast quick rapid
slow sluggish
big large
small little tiny
maximum limit most max
minimum least min
default standard preset
option setting parameter flag
argument parameter
configure setup configuration settings
install installation setup
command cli terminal shell
machine computer laptop host
folder directory
file document
documentation docs manual guide
library package module
dependency package
plugin extension
version release
beta prerelease
upgrade update migrate
migration upgrade
deploy release publish ship
production live
development dev
local localhost machine
log logging logger
logs log
message text
format style layout
pretty readable human
request call query
response reply answer
header headers
body payload
client customer
customer user
user account
person people
colleague employee staff
employee worker staff
boss manager lead supervisor
approve approval permission consent
phone call telephone ring
contact reach
email mail
meeting appointment
holiday vacation leave
sick ill illness
doctor medical
illness sickness sick
child children parental
weekend saturday sunday
night nightly
daily day
weekly week
monthly month
yearly annual year
relocate move
rent lease
office building premises
home remote
car vehicle
bike bicycle cycle
train rail railway
plane flight fly
travel trip journey
hotel accommodation
password credential secret
secret token credential
token key
encrypt encryption tls cipher
secure security protect
protect guard
attack exploit
permission access right
login signin authentication
authenticate authentication login
backup restore copy
restore recover recovery
lose loss lost
outage downtime incident
duplicate copy repeat
repeat retry again
retry attempt
wait delay pause
timeout expire
expire expiry expiration
cancel abort
abort cancel interrupt
close shut
open unlock
connect connection link
disconnect offline
network connection internet
parallel concurrent simultaneous
concurrency parallelism
thread worker
process task
job task
queue buffer backlog
memory heap ram
cache caching
size length
count number
convert transform
parse read
serialize stringify
encode encoding
compress compression gzip
split divide
merge combine join
compare difference
difference differ versus
same identical equal
replace substitute
rename name
override overwrite
ignore skip omit exclude
omit leave exclude
include contain
require need must
mandatory required
optional voluntary
avoid prevent
cause reason
consequence effect
warning caution warn
danger risk hazard
recommend advise suggest
important critical
event listener handler
callback handler
hook callback
route path endpoint
url address
address location
database db
table relation
schema structure
type kind
support compatible
deprecated obsolete
license licence
accident mistake accidental
accidentally mistake
responsible owner
supplier vendor provider
provider vendor
warranty guarantee
refund reimburse
return refund
invoice bill
deadline due
age old years
`

/** The terms of words that are often used in place of one; none for most words. */
export function relatedTerms(term: string): readonly string[] {
  return [...(related.get(term) ?? [])]
}

function readGroups(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const line of groups.trim().split('\n')) {
    const terms = line.split(' ').flatMap((one) => termOf(one.replace(/-/g, '')) ?? [])
    for (const term of terms) {
      const others = found.get(term) ?? new Set()
      for (const other of terms) if (other !== term) others.add(other)
      found.set(term, others)
    }
  }
  return found
}

const related = readGroups()
