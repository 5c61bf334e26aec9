"""Whether a sentence tells somebody to do something, and of what kind it is: text goes in, a verdict comes out."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from watchkeeper.book.model import StepPhase
from watchkeeper.book.openings import Opening
from watchkeeper.book.programs import word_set
from watchkeeper.book.read.verbs import AT_FIRST, AT_LAST, FIRST_LETTERS

_VERBS = word_set("""acknowledge activate add address adjust alert allocate allow analyse analyze announce apply
    approve archive ask assemble assess assign attach audit authenticate authorize back backup balance begin block
    bring brief build bump bypass calculate call cancel capture change check choose clean cleanup clear click clone
    close collect communicate compare complete compute conduct configure confirm connect consider consult contact
    contain continue
    convert coordinate copy correct correlate cordon create cross-check cut deactivate debug declare decommission
    decrease deduce define delete delegate deploy deregister describe destroy detach detect determine diagnose
    disable disconnect discuss dispatch display distribute do document double-check
    download downgrade downscale drain draft drop dump edit email enable encrypt end enforce engage ensure enter
    eradicate escalate establish estimate evaluate examine execute expand export extend extract fail failover fetch
    file fill filter find fix flush focus follow force forward
    gather generate get give go grab grant group handle harden hold identify implement import improve increase index
    inform initialize initiate inspect install instruct invalidate investigate invoke isolate issue join jump keep
    kill launch leave let limit link list load locate lock log login look lower
    maintain make manage manually map mark match measure merge migrate minimize mitigate modify monitor mount move
    mute navigate note notify observe obtain offer open optimize optimise order page patch pause perform persist pin
    ping place plan point post prepare press prevent prioritize proceed process profile promote
    prompt propose protect provide provision prune publish pull purge push put query quarantine quit raise re-run
    reach read reassign rebalance reboot rebuild recall recheck recommend reconcile reconnect record recover recreate
    recycle redeploy redirect reduce refer refresh refund register reimport reindex reinstall reissue reject release
    reload relocate remediate remove rename renew reopen repair repeat replace replay report request require rerun
    rescale reschedule reset resize resolve resource restart restore restrict resubmit resume resync retrieve retry
    return reverse revert review revise revoke reword rewrite roll rollback rotate route run save scale scan schedule
    search secure
    see select send separate set setup share shift show shut shutdown sign silence simulate skip snapshot specify
    spin ssh stabilize start stop store submit subscribe summarize suppress suspend swap switch sync take tag tail
    talk tear tell temporarily terminate test throttle tighten toggle touch trace track train transfer transition
    triage trigger troubleshoot trim try
    tune turn type unblock uncordon understand undo uninstall unlock unmount unseal untaint update upgrade upload use
    vacuum validate verify view visit wait walk warm watch whitelist widen wipe withdraw work wrap write
    immediately quickly first then next finally also always never don't carefully please""")  # fmt: skip
_OTHER_VERBS = (
    r"prüfen|prüfe|überprüfen|überprüfe|starten|starte|stoppen|neu starten|neustart|öffnen|wechseln|führen|"
    r"ausführen|erstellen|löschen|anpassen|sicherstellen|benachrichtigen|informieren|kontaktieren|melden|"
    r"warten|wiederherstellen|aktualisieren|identifizieren|analysieren|dokumentieren|testen|validieren|setzen|"
    r"erhöhen|kontrollieren|"
    r"vérifier|vérifiez|redémarrer|redémarrez|relancer|arrêter|démarrer|lancer|exécuter|exécutez|contacter|contactez|identifier|analyser|restaurer|attendre|créer|supprimer|mettre|notifier|informer|valider|validez|confirmer|consulter|ouvrir|activer|désactiver|basculer|tester|documenter|évaluer|appeler|"
    r"verificar|verifica|verifique|reiniciar|reinicia|reinicie|detener|iniciar|ejecutar|ejecuta|ejecute|contactar|identificar|analizar|restaurar|esperar|crear|eliminar|actualizar|notificar|informar|validar|confirmar|consultar|abrir|revisar|revisa|revise|comprobar|aumentar|limpiar|documentar|desplegar|configurar|cambiar|rotar|"
    r"executar|execute|parar|analisar|aguardar|criar|atualizar|conferir|checar|rodar|reverter|sprawdź|uruchom|zrestartuj|zatrzymaj|przywróć|powiadom|zidentyfikuj|zweryfikuj|wykonaj|poczekaj|potwierdź|skontaktuj|ustal|zbierz|otwórz|wyłącz|włącz|oceń|wdróż|zaktualizuj"
)  # fmt: skip
_VERBS_OTHER = re.compile(rf"^(?:{_OTHER_VERBS})\b")
_BEGIN_OTHER = frozenset(verb[:2] for verb in _OTHER_VERBS.split("|"))
_CJK_TASK = re.compile(
    r"(?:する|確認|して|ください|実行|再起動|調査|報告|連絡|停止|開始|復旧|検討|適用|更新|削除|追加|変更|检查|重启|执行|确认|通知|恢复|分析|更新|回滚|扩容|联系|확인|재시작|실행|복구|점검|통보|분석|하기|합니다|하세요|조치)[。．.]?(?:[（(].*[)）])?$"
)
_PREFIX = re.compile(r"^(?:[\W_]*(?:\d+[.)]|[a-z][.)]|step \d+:?)\s*)?[\W_]*", re.IGNORECASE)
_CONDITION = Opening(
    r"^",
    r"if|when|once|after|before|while|unless|should|until|as soon as|for|in case|wenn|falls|si|se|jeśli",
    r"\b.{2,120}?[,:→]\s*(?:then\s+|-+>\s*)?(\w[\w'-]*)",
    re.IGNORECASE,
)
#: "The incident commander declares …": somebody named does it
_THIRD_PERSON = re.compile(
    r"^(?!(?i:this|it|that|these|which|there|each|everything|all)\b)(?:[Tt]he "
    r")?[A-Z][\w/-]*\s(?:[A-Za-z][\w/-]*\s){0,2}?(?!this\b|is\b|was\b|has\b)([a-z]{3,}?)s\s+\w"
)
_ADVERBS = word_set("""immediately quickly first then next finally also always please carefully manually temporarily
    gradually gracefully safely optionally slowly regularly periodically or""")
_ADVERB = re.compile(r"[A-Za-z]+[,:]?\s+(?=\w)")


_REQUEST = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE|HEAD) /")
_WORD = re.compile(r"[A-Za-z][\w'-]*")
_IS = re.compile(r"^(?::|is\b|are\b|was\b|has\b|=)")
_TOLD = re.compile(r"^:\s*\w")


@cache
def is_instruction(text: str) -> bool:
    """Say whether a sentence or an item asks somebody to do something.

    >>> is_instruction("Restart the service"), is_instruction("On-Call Engineer"), is_instruction("If it is down, page the lead")
    (True, False, True)
    """
    said = text.strip()
    prefix = _PREFIX.match(said)
    said = said[prefix.end() :] if prefix else said
    if _REQUEST.match(said):
        return False
    word = _WORD.match(said)
    for _ in range(2):
        if word and word.group().lower() in _ADVERBS and (adverb := _ADVERB.match(said)):
            said = said[adverb.end() :]
            word = _WORD.match(said)
    if word and word.group().lower() in _VERBS:
        rest = said[word.end() :].strip()
        return not _IS.match(rest) or bool(_TOLD.match(rest)) or len(rest) > 30
    acts = _THIRD_PERSON.match(said) if said[:1].isupper() or said.startswith("the ") else None
    if acts and (
        acts.group(1) in _VERBS or acts.group(1).removesuffix("e") in _VERBS or acts.group(1).removesuffix("es") in _VERBS
    ):
        return True
    found = _CONDITION.match(said)
    if found and found.group(1).lower() in _VERBS:
        return True
    small = said.lower()
    foreign = small[:2] in FIRST_LETTERS and AT_FIRST.match(small)
    if foreign or (small[:2] in _BEGIN_OTHER and _VERBS_OTHER.match(small)) or (not said.isascii() and _CJK_TASK.search(said)):
        return True
    if len(small) < 80 and small.rstrip(" .!").endswith("n") and AT_LAST.match(small):
        return True
    label, colon, rest = said.partition(":")
    return (
        bool(colon)
        and len(label) < 50
        and bool(rest.strip())
        and _WORD.match(rest.strip()) is not None
        and rest.split()[0].lower().strip(",.") in _VERBS
    )


#: these are asked about small letters, which spares most of the words by their first
_DIAGNOSE = re.compile(
    r"^(?:check|review|inspect|look|view|list|show|get|monitor|analy[sz]e|identify|find|examine|investigate|determine|assess|diagnose|describe|see|search|query|profile|trace|detect|count|compare|watch|observe|read|current|top|recent|view|prüfe|vérifi|verific|revis|sprawd|確認|检查|확인)"
)
_VERIFY = re.compile(
    r"^(?:verify|confirm|validate|test|ensure|double-check|re-?check|make sure|smoke|überprüf|bestätig|valid|"
    r"confirm|compro|zweryfik|検証|验证|검증)"
)
_COMMUNICATE = re.compile(
    r"^(?:notify|communicate|inform|announce|post (?:an? |the |to |in |status|updates?|message)|update (?:the "
    r")?status|tell (?:the|your|them|users)|page (?:the |on|an? |\w+ (?:engineer|lead|team))|contact|alert "
    r"(?:the|on|team)|email|send (?:a |an )?(?:notification|update|message)|escalate|brief (?:the|your)|call "
    r"(?:the|an?|your) |declare|create (?:an? )?(?:incident )?(?:channel|war room)|benachrichtig|informier|"
    r"contacter|notific|powiadom|連絡|通知)"
)
_PREVENT = re.compile(
    r"^(?:document|schedule (?:a )?(?:post|review)|conduct (?:a )?(?:post|review)|write (?:a )?post|update "
    r"(?:the )?(?:runbook|documentation))"
)


@lru_cache(maxsize=8192)
def phase_of(text: str, *, reads: bool, acted: bool) -> StepPhase:
    """Tell a step's phase from its words, from what its commands do and from whether something was already done before it."""
    said = _PREFIX.sub("", text.strip(), count=1).lower()
    if _COMMUNICATE.match(said):
        return "communicate"
    if _PREVENT.match(said):
        return "prevent"
    if _VERIFY.match(said):
        return "verify" if acted else "diagnose"
    if _DIAGNOSE.match(said):
        return "verify" if acted and reads else "diagnose"
    return ("verify" if acted else "diagnose") if reads else "act"
