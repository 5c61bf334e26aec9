"""The verbs by which runbooks in other languages than English tell somebody to do something: data, easy to extend.

Stems with the endings that instructions have: the infinitive and the imperatives ("reiniciar", "reinicia", "reinicie").
"""

from __future__ import annotations

import re

_SPANISH_PORTUGUESE = """abr acced aceit acept activ actualiz actualic adicion agend aguard ajust alter analis analiz analic anot
    añad apag apliqu aplic asegur asegúr asign ativ atualiz aument avali avis baix baj borr busc cambi cancel carg cerr
    chec chequ cierr clic clon coloc compar comprob comprueb comuniqu comunic conect configur confirm consult contact contat
    copi corrig correg corrij crea cri dej desactiv desativ desbloque desbloqu descarg desconect deslig despleg despliegu
    deshabilit desabilit destruy destru detect determin document ejecut elimin encend encerr envi escal escrib espec
    esper establec evalu examin exclu execut export fech finaliz forc forz gener ger guard habilit identific identifiqu
    import inclu indic inform inici instal introduc introduz invalid investig investigu lanz lig limp limpi list
    liber llam mant migr monitore mov mud mueve notific notifiqu observ obtén obten olh pag paus pesquis prepar pressi
    process program promov prueb prob publiqu public purg quit reactiv realic realiz reasign recarg recarreg recharg recog
    reconect reconstru recuper redespleg redirig reduc reduz reemplac reemplaz registr reinici reinstal remov renov renuev
    repet repit reprocess report resolv resuelv respald restablec restaur retir revert reviert revis revog revoc rod rot sac
    salv seleccion selecion segu sig silenci simul solicit sub substitu suspend tir toma tom trasl troc troqu utiliz valid
    verific verifiqu volt vuelv"""
_FRENCH = """activ actualis ajout ajust analys annul appel appliqu arrêt augment avert bascul chang cherch cliqu configur confirm
    connect consult contact contrôl copi corrig cré déclench déconnect démarr déploy désactiv désinstall détermin diagnostiqu
    diminu document effac envoy évalu examin exécut export ferm forc génér identifi import inform install interromp isol lanc
    list modifi mont nettoy notifi obten ouvr planifi prépar prévien purg récupér redémarr redéploi redéploy rédui réduis relanc
    remplac renouvel
    répét restaur retir révoqu sauvegard sélectionn signal stopp supprim suspend transfér utilis valid vérifi vid"""
_GERMAN = """aktivier aktualisier analysier änder anpass auslös beend benachrichtig bereinig bestätig deaktivier dokumentier
    eskalier exportier führ hol identifizier informier installier isolier kalibrier konfigurier kontaktier kontrollier kopier
    lad leer lösch meld neustart notier öffn optimier prüf reduzier rotier ruf schließ setz sicherstell skalier sperr start
    stell stopp such tausch trenn überprüf überwach validier verifizier vergleich verschieb wähl wart wechsl wiederherstell
    wiederhol zurücksetz"""


def _any(stems: str) -> str:
    return "|".join(sorted({re.escape(stem) for stem in stems.split()}, key=len, reverse=True))


#: a text in small letters that begins with one of them, and goes on
AT_FIRST = re.compile(
    rf"(?:(?!active\b)(?:{_any(_SPANISH_PORTUGUESE)})(?:ar|er|ir|a|e|en|an|em|am|ad|arse|arlo|arla|arlos|arlas)(?!\s+(?:de|del|do|da|dos|das)\b)"
    rf"|(?:{_any(_FRENCH)})(?:er|ir|re|ez)"
    rf"|(?:{_any(_GERMAN)})(?:e|en|n))\s+\S"
)
#: how they all begin, which most texts do not
FIRST_LETTERS = frozenset(stem[:2] for stem in f"{_SPANISH_PORTUGUESE} {_FRENCH} {_GERMAN}".split())
#: German says it last: "Logs prüfen"
AT_LAST = re.compile(rf"\S.*\s(?:(?:zu)?(?:{_any(_GERMAN)}))(?:en|n)\W*$", re.DOTALL)
