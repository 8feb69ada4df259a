// Words that carry no subject of their own, in the languages briefs are mostly written in.

const english = `a about above after again all also am an and any are as at be because been before being
below between both but by can could did do does doing done down during each else ever every few for from
further get gets getting give gives go goes going got had has have having he her here hers him his how i
if in into is it its just let lets like made make makes making many may me might more most much must my
need needs new next no nor not now of off on once one only onto or other our ours out over own per please
put really same say see shall she should since so some still such take than that the their theirs them
then there these they thing things this those through to too two under until up upon us use used using
very via want wants was way we well were what when where which while who whom whose why will with within
without would yet you your yours been don doesn don't doesn't isn't it's we're we'd i'm you're they're
able across add already around back best better big bring come currently ensure etc find first focus
good great help helps helping hope important including increase keep know launch launching less look
looking lot main mainly new often people plan promote promoting provide run running sell selling show
start starting strong today tonight try trying week weeks month months year years day days work works
working campaign campaigns marketing brief client company launches launched sells sold offers offer offering wants
wanted daily weekly monthly yearly annual start starts began struggle struggles`;

const german = `aber alle als am an auch auf aus bei bis da damit das dass dem den der des die dies diese
dieser dieses doch durch ein eine einem einen einer eines er es für haben hat hatte ich ihr ihre im in ist
ja jede kann kein keine können man mehr mit muss nach nicht noch nur oder ohne sehr sein seine sich sie
sind so soll sollen über um und uns unser unsere unter vom von vor war was wenn wer werden wie wir wird wo
wollen zu zum zur`;

const french = `au aux avec ce ces cet cette dans de des du elle en est et être il ils je la le les leur
leurs lui mais même mes mon nos notre nous on ont ou où par pas plus pour qu que qui sa sans se ses si son
sont sur ta tes ton tous tout très un une vos votre vous`;

const spanish = `al algo como con cual cuando de del desde donde el ella en entre era es esta este esto
estos fue ha hay la las le les lo los más me mi muy no nos nuestra nuestro o otra para pero por porque que
quien se ser si sin sobre son su sus también tiene todo tu un una uno unos y ya`;

const others = `al alla anche che chi ci come con da dal dalla dei del della delle di e gli ha i il la le
lo ma mi ne nei nella nel non o per più qui se si sono su sua sul tra un una uno vi
à às ao aos as com como da das do dos e em entre era essa esse esta este eu foi isso já mais mas meu na nas
nem no nos não nossa nosso o os ou para pela pelo por que se sem ser seu sua são também tem um uma
aan al als bij dan dat de deze die dit door een en er geen het hij hoe ik in is je kan maar meer met mijn
na naar niet nog of om onze ook op over te tot u uit van veel voor waar was wat we wij wordt ze zijn zo`;

const asian = `的 了 和 是 在 我 我们 你 他 她 它 这 那 有 也 就 都 不 与 及 或 为 对 将 被 把 让 请 面向 推出 发布 提供 针对
する した して します ます です ました ため こと もの これ それ`;

const words = [english, german, french, spanish, others, asian].join(' ').split(/\s+/);

const stopWords: ReadonlySet<string> = new Set(words);

/** True for a word without a subject of its own, such as `the`, `avec` or `campaign`. */
export function isStopWord(word: string): boolean {
  const lower = word.toLowerCase().replaceAll('’', "'");
  // One or two kana are particles and endings; one letter is no subject in any script but Chinese.
  return (
    stopWords.has(lower) ||
    /^\p{sc=Hiragana}{1,2}$/u.test(lower) ||
    /^(?!\p{sc=Han})[\p{L}\p{N}]$/u.test(lower) ||
    /^[\p{N}.,:'-]+$/u.test(lower)
  );
}
