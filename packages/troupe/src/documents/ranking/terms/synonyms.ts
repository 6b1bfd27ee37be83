/**
 * Words of general English that mean the same: those that WordNet 3.1 counts in one sense at least twice, and in at least
 * three of ten of their uses. Written by bench/answers/write-synonyms.ts.
 *
 * WordNet 3.1 Copyright 2011 by Princeton University. All rights reserved. Its licence allows use and distribution for any
 * purpose: https://wordnet.princeton.edu/license-and-commercial-use
 */
export const synonyms = `
abdomen belly, abiding enduring, about approximately roughly, above supra, abruptly suddenly
absently absentmindedly, absolutely perfectly utterly, absorbed engrossed intent, accelerate quicken
accentuate emphasize, acceptance adoption, accepted recognized, acclaim hail, accommodate adapt
accomplish achieve attain, accomplish fulfil fulfill, accomplishment achievement, accordingly consequently
accretion accumulation, accumulate collect compile, acetonemia ketosis, acknowledge admit, acquaintance familiarity
acquiesce assent, activate actuate spark trigger, actually really, acutely keenly, adjoin butt
adjustment alteration modification, admonition warning, adopt espouse, adorn decorate, adult grownup
advertise publicize, advertisement advertising, advise counsel, advise notify, advocate recommend, affair matter
affectionate fond, affirm confirm corroborate substantiate, aforesaid said
after afterward afterwards later subsequently, aged elderly older, agency bureau, aggravate exacerbate
aghast dismayed, agony suffering, agree concur, aid assist help, ailing peaked, ailment complaint, airplane plane
akin kindred, alarm consternation dismay, alertness vigilance, allegory parable, alleviate relieve
allocate apportion, allot assign, allow let permit, allow permit, almost nearly virtually
alone exclusively only solely, altercation fracas, altogether completely entirely totally wholly, amaze astound
amazed astonished stunned, amazement astonishment, amazing astonishing, ambitious challenging, ammo ammunition
amorphous shapeless, amount sum, amplify magnify, analyse analyze examine, ancestry lineage pedigree
animal beast creature, annihilation obliteration, announcement proclamation, annoy bother irritate
annoyance irritation, answer reply, antagonist opponent, anticipate expect, antipathy distaste, anxiously uneasily
anyhow anyway, apparatus setup, apparent evident plain, apparently seemingly, appear seem, appease pacify
applause clapping, apply employ use utilize, appraise assess evaluate, apprehend comprehend grasp
apprehension understanding, appropriately suitably, approve sanction, arbitrarily randomly, ardor zeal
argument controversy, arise originate, arouse elicit evoke provoke, ascertain determine, ascribe attribute impute
aspect facet, assail assault, assemblage gathering, associate link relate, assume presume, assurance confidence
assure ensure insure, attempt effort, attempt try, attest certify manifest, attorney lawyer, aug august
author writer, authorities government regime, authority potency, auto automobile car, avert avoid, awake awaken
away forth off, awful unspeakable, awfully terribly, babe baby infant, backing patronage, backward rearward
badger pester tease, badly ill poorly, badly severely, balustrade banister, bare naked nude, barely hardly scarcely
basement cellar, basically essentially fundamentally, bask enjoy relish savor, bathtub tub, batter buffet
batter hitter slugger, battle engagement, bawl bellow, bearded bewhiskered, beg implore, beget sire
begin commence start, belie contradict, believe conceive think, beloved dear, belowground underground
berate chide rebuke scold, bewilder puzzle, bewildered confused, bible scripture, biblical scriptural, big large
bigger larger, bitterness resentment, bizarre eccentric, blatant vociferous, blazing glaring
blithely happily merrily, blush flush, board plank, boast brag, bogus fake phony, bony scrawny skinny, bore drill
boring tedious, boss foreman, breadth width, brilliant superb, broad wide, brood dwell, brooding reflective
brook creek, brow forehead, bucket pail, buff devotee, build construct, building edifice, bulk majority, bullet slug
bunch clump cluster, bundle package packet, burly husky, bush shrub, but just merely only simply, buy purchase
calamity catastrophe disaster tragedy, calculate compute, calculation computation, calmness composure
cardinal central fundamental, career vocation, cargo freight shipment, carpet rug, carved carven, case instance
castle palace, category class, cattle cows oxen, cavort romp, cease discontinue quit stop, celebrate fete
cemetery graveyard, center middle, certainly surely, chagrin humiliation, challenge dispute, chance opportunity
characteristic feature, chase pursuit, cheap inexpensive, cheering shouting, cheery gay sunny, cherished precious
chief main principal, chiefly mainly primarily principally, child kid youngster, childish infantile
choice selection, choose select, chore task, chortle chuckle, christ jesus, chunk clod, circuit tour, circular round
circulate disseminate, circumstances luck, cite mention refer, city metropolis, clamor din, clangor clash
clarity clearness, class grade, classroom schoolroom, climate mood, closet cupboard, cloth fabric textile
clumsy ungainly, clutch seize, coach manager, coalesce fuse mix, collaborate cooperate, colony settlement
colossal prodigious stupendous, comic funny, comment remark, commentator observer, commission committee
commit dedicate devote, commit perpetrate, commonly normally ordinarily usually, commonwealth country nation
companion comrade, comparatively relatively, compass range scope, compel oblige, compete vie, complete finish
component element, comprise contain, conceal hide, concealed hidden, concern pertain, concluding final
concurrent simultaneous, condemn decry, condescending patronizing, conduction conductivity, confine limit
confound confuse, connote imply, conquer subdue suppress, consequence effect result, consequent resultant
consider regard, considerably substantially, consist dwell, consistently systematically, consolation solace
conspicuously prominently, constantly invariably, construe interpret, consume ingest, consumption intake uptake
contemplation reflection, contempt disdain scorn, contemptuous scornful, contend postulate, continuance continuation
contribute lend, contrivance gadget, cope grapple, correspond match, couch sofa, counseling guidance
countless myriad, cowboy puncher, crawl creep, crazily insanely, crazy mad, creak screech squeak, creator lord
credo creed, criminal crook, crimson red, cringe flinch recoil wince, crop harvest, cross traverse, crouch squat
crouch stoop, cruel savage vicious, cryptic mysterious, cuddle nestle snuggle, cultural ethnic
curious funny peculiar queer, curiously oddly, curse swear, curtail restrict, curtain drapery, custom tradition
dad daddy papa, damn goddamn, damned darned goddam goddamned, damp moist, dampen moisten, dash scoot
deadlock impasse, dealer trader, debut introduction, dec december, deceased gone, deceleration slowing
decidedly definitely, declaim recite, decrease diminish lessen, decree fiat, deduce derive infer, deduct subtract
deeply profoundly, defeat licking, defeat overcome, defender guardian, defer postpone, deficiency lack
deformation distortion, defraud swindle, defy withstand, degree level, deity divinity, deliberately purposely
delicious delightful, delirium frenzy fury, democracy republic, demonstrate prove, demonstrate show
dependable reliable, dependence dependency, depict describe, describe report, desert forsake, deserve merit
deserving worth, despair desperation, despairing desperate, despatch dispatch, despise disdain, destine doom
destiny fate, destroy ruin, detect notice observe, detection sensing, detector sensor, determination finding
detest hate, detonate explode, developing underdeveloped, development evolution, deviate divert, devil lucifer
devise invent, diam diameter, diarrhea diarrhoea, diary journal, dictate prescribe, dictatorship tyranny
dictum pronouncement, die expire perish, differentiate distinguish, differentiation distinction, difficult hard
dim faint, diminished lessened, diminutive tiny, dingy grimy, directly straight, director manager, dirt soil
dirty soiled unclean, disabled handicapped, disagreement discrepancy, disappear vanish, disappointed frustrated
discard dispose, disclose reveal, discount dismiss ignore, discovered observed, disgrace dishonor, disgrace shame
dismally drearily, dispense distribute, disperse sprinkle, display exhibit, disregard ignore snub, disrupt interrupt
distill purify, distort falsify warp, distressing disturbing, district territory, distrust mistrust
diversion recreation, doctor physician, doctrine ism philosophy, document papers, domain sphere
dominate predominate prevail, doubt uncertainty, doubtless undoubtedly, down downward, dozens lots scores tons
drag haul, dramatist playwright, draped wrapped, drawn haggard worn, dreadful frightening terrible, drift float
dusk nightfall, duty obligation responsibility, dwell inhabit live populate, dweller inhabitant, earnestly seriously
earnings profit profits, earnings salary wage, earth globe, earthquake quake, eating feeding, echo reverberation
ecstasy rapture, edgy restive, effluent wastewater, elaborate expound, emaciated gaunt, embed imbed
emblematic symbolic, embody personify, embrace encompass, enact ordain, enclose envelop, encourage promote
encroachment intrusion, endanger jeopardize threaten, endeavor enterprise, endeavor strive, endless interminable
endure tolerate, engage pursue, engrossing fascinating, enigmatic puzzling, enlargement expansion
enormous tremendous, enormously staggeringly tremendously, enraged furious maddened, enrol enroll recruit
entire full total, envisage imagine, envision fancy visualize, envision foresee, epic heroic, epitomize typify
epoch era, error fault mistake, erudite learned, eschew shun, especially particularly specially
establish found launch, estimate gauge, evade sidestep, eventually finally, everlastingly forever, everyday mundane
evidence grounds, evidently obviously plainly, exactly precisely, exaggerated overdone, exalt glorify
examination scrutiny, exceed transcend, exceedingly extremely super, excel surpass, excess extra redundant surplus
excess surplus, excite stimulate, exclaim proclaim, exclude omit, exclusive sole, exemplify illustrate
exercise workout, exert wield, exhausted fatigued, expectation outlook, experiment experimentation
expiration termination, extended lengthy prolonged, extenuate mitigate, extreme utmost, exultant jubilant triumphant
eyelid lid, facility installation, factory mill, fairly moderately pretty reasonably, faith religion
famed famous noted, family household, fantastic grotesque
fantastic marvelous terrific tremendous wonderful wondrous, farther further, fashion manner mode style way
fatal fateful, fatigue weariness, fear fright, feasible practicable workable, feb february, fella fellow lad
fervent fiery impassioned, fierce furious, fierce vehement, film movie, financial fiscal, fireplace hearth
firmly steadfastly, flavor spirit, fleet swift, flounder stagger, flourish thrive, foliage leaf, following next
folly foolishness, forbid prohibit proscribe, forego precede, forest wood woods, forestall preclude prevent
former onetime, formidable redoubtable, fort garrison, forthright frank, fortify strengthen, fortune luck
foyer lobby vestibule, framework model, frankly honestly, frantically madly, frequently often, fret fuss
frighten scare, frightened scared, frightened terrified, frightful horrible, fringe periphery, frog toad
fruitless futile vain, frustrate thwart, fumble grope, furnish provide render supply, furthermore moreover
fury rage, gag joke, gaiety merriment, gasp pant, gaze stare, germinate sprout, ghastly grim gruesome, ghost specter
giggle titter, gilded gilt golden, ginmill saloon, given granted, glance glimpse, glare glower, glean harvest reap
glint glisten glitter, glinting glittering, glistening shiny, glue paste, glued pasted, glycerine glycerol
govern regulate, grammatic grammatical, grandeur splendor, grandma grandmother granny, gravely soberly, greasy oily
greatcoat overcoat, grim relentless, groan moan, growing growth, guess reckon suppose think, guide maneuver steer
halfway midway, hall hallway, hallmark trademark, halt stop, handbag purse, hanker yearn, happening occurrence
harassed pestered, harm injury, hasten race rush, haunt obsess, haversack knapsack, hawk peddle, hazard jeopardy
heap pile, heedless unheeding, hence therefore thus, hereafter hereinafter, heretofore hitherto yet, heroism valor
hesitate pause, hesitate waver, hinder impede, hobble limp, holiday vacation, housing lodging
however nevertheless nonetheless, huge immense vast, humor wit, hunch suspicion, hurler pitcher, hurrying scurrying
hurtle lunge, hypothesize speculate theorize, icebox refrigerator, idea thought, idiot imbecile, ignorant illiterate
ill sick, illness sickness, illuminate illumine, imagery imagination, imitate simulate, immediately instantly
immensely vastly, impair mar, impose inflict, impression notion, impudent insolent, incisive keen penetrating
incite instigate, incite motivate prompt, inclination tendency, incline tend, incorporate integrate
increasingly progressively, individual mortal person someone, individual single, individually separately
indolent lazy, induction initiation, inescapable unavoidable, inevitably necessarily, infamous notorious
infective pathogenic, infest overrun, infuriating maddening, inherent integral, innovation invention
inquiry question, inscription lettering, inside within, instal install, instead rather, instruct teach
instructor teacher, insulate isolate, insurrection rebellion revolt, integrated unified, integrity unity
intelligible understandable, intent intention purpose, interlace intertwine twine, interlocking interwoven
interweave weave, investigator researcher, involvement participation, irony sarcasm satire, isolated stray, jab poke
jan january, jeer scoff, jerk yank, jimdandy jimhickey, job occupation, john lavatory toilet, johnny reb rebel
jolly jovial merry, jumble welter, jump leap, jutting sticking, keep maintain, kind sort, kinda rather
kingdom realm, lab laboratory, laden loaded, largely mostly, lash whip, lasting permanent, lately recently
lather suds, lay place put, lean tilt, lease rent, lexicon vocabulary, lifelike vivid, likewise similarly
limitation restriction, little small, locality neighborhood vicinity, locate situate, located situated
longing yearning, looking sounding, lumber timber, lurch reel stagger, lure tempt, madman maniac, magic magical
maintenance upkeep, mama mamma mommy, manpower men, marked pronounced, market marketplace
marketing merchandising selling, marry wed, maximal maximum, maybe perhaps possibly, meandering wandering
meditate muse ponder, melody tune, menace threat, mend repair, merchandise product, merge unify unite, merit virtue
militia reserves, min minute, mind psyche, minimal minimum, minister parson pastor, misbehavior misdeed
miscellaneous mixed sundry, mischief shenanigan, misconstrue misunderstand, mobile wandering, monarch sovereign
morality morals, morose sullen, motivation motive, move travel, muffle stifle, mumble mutter, mutely silently
narrative story tale, nationalism patriotism, necessitate need require, necessity requirement, needed required
news tidings, newsman reporter, nothing zero, nov november, nudge prod, objection remonstrance, obscure vague
obstinately stubbornly, occupant resident, oct october, ominous sinister threatening, onrush onslaught
opinion sentiment, opposition resistance, optimal optimum, origin source, outdo surpass
outstanding prominent salient, owner proprietor, ownership possession, pains striving, panic terror, pardner partner
part portion, partially partly, particular peculiar special, partner spouse, patronize sponsor, pattern practice
pecs pectoral, penalize punish, penalty punishment, percent percentage, perfume scent, permeate pervade
perplexing puzzling, perspective view, perspiration sweat, petition request, phase stage, philosophic philosophical
phone telephone, phonemics phonology, photo photograph, piteous poor, plan program, plant works, plod trudge
poetry verse, poignant touching, populace public, pot toilet, potential potentiality, pounce swoop
prance strut swagger, preaching sermon, precedence priority, preposterous ridiculous, presently soon
preserve uphold, pressing urgent, print publish, procedure process, procure secure, proficient skillful
project task, promotion publicity, promptly quickly, propose suggest, province state, provisional tentative
pupil student, purely strictly, purl swirl, quake quiver, quickly rapidly speedily, quietly softly, rarely seldom
rating valuation, rattler rattlesnake, react respond, reactivity responsiveness, realism reality, really truly
reasonable sensible, rebut refute, recall recollect remember, recede retreat withdraw, receipts revenue
recollection remembrance, recover regain retrieve, recreate revive vivify, recurrent repeated, reexamine review
reiterate repeat restate, relevance relevancy, religious spiritual, remain stay, remainder rest, remarkable singular
remarkably unusually, rend rip, repeal rescind, replace supersede supplant, repress subdue, resign vacate
respective various, retaliation revenge, reward wages, rite ritual, roam rove stray wander, roaring thunder
rock stone, rooms suite, runner smuggler, russia ussr, salvage save, say tell, scamper scurry scuttle
scheme strategy, scream yell, sept september, seriousness sincerity, serpent snake, shamble shuffle, shiver shudder
shooting shot, shop store, sin sinfulness, sinful ungodly, slanting sloping, sleep slumber, slender slim
slightly somewhat, slop spill, snap snarl, sober solemn, sod sward, soldiery troops, speak talk, specify stipulate
spectacular striking, speed velocity, spell trance, spire steeple, spring springtime, squad team
squirm twist wriggle writhe, staircase stairway, stairs steps, stammer stutter, standpoint viewpoint
stimulation stimulus, superbly wonderfully wondrously, swerve veer, swirl twirl whirl, tactile tactual, teen teenage
theater theatre, theme topic, thorough thoroughgoing, topple tumble, trample tread, transfer transportation
triumph victory, tumult uproar, unambiguously unequivocally, uncertainly unsteadily, underline underscore
uneconomical wasteful, usage utilization, verve vitality, vibrant vivacious, wallop whack, war warfare
whiskey whisky, yank yankee
`
